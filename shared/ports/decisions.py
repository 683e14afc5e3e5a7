"""Write-once registers: a choice that several processes may race to make."""

from typing import Protocol


class Decisions(Protocol):
    """The first value written under a key stays; everyone learns which it was."""

    def decide(self, key: str, value: str) -> str:
        """Propose `value`; return the value that stands, proposed now or earlier."""
        ...
