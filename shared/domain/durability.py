"""What an acknowledged write survives: one choice for every server of a run."""

from enum import StrEnum


class Durability(StrEnum):
    """What may end without an acknowledged write being lost."""

    PROCESS = "process"
    """Any process, by SIGKILL too; a power cut may take the last second's writes."""
    POWER = "power"
    """The power of the machine: every commit is synced before it is acknowledged."""

    @property
    def sqlite_synchronous(self) -> str:
        """SQLite's `synchronous` in WAL mode. Source: sqlite.org/pragma.html, `synchronous`."""
        return "NORMAL" if self is Durability.PROCESS else "FULL"

    @property
    def redis_appendfsync(self) -> str:
        """Redis' `appendfsync`. Source: redis.io, Redis persistence, append-only file."""
        return "everysec" if self is Durability.PROCESS else "always"
