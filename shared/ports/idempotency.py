"""The guard that keeps a step from being done twice."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class IdempotencyMode(StrEnum):
    """How a step is guarded; compared by experiment."""

    NONE = "none"
    CHECK_THEN_ACT = "check_then_act"
    CLAIM = "claim"
    FENCED = "fenced"


@dataclass(frozen=True, slots=True)
class Claimed:
    """Go ahead. `token` fences this attempt against later ones."""

    token: int


@dataclass(frozen=True, slots=True)
class Stored:
    """An earlier attempt committed this result (JSON); return it instead of computing."""

    result: str


@dataclass(frozen=True, slots=True)
class Held:
    """Another attempt holds the step for `expires_in_s` more seconds unless it renews."""

    expires_in_s: float


@dataclass(frozen=True, slots=True)
class LostProcess:
    """A process that somebody saw die, who could tell: its parent.

    `owner` is how the owners of all leases of that process begin, empty for whichever it was;
    `lost_at_s` Unix seconds by the clock of its host, at its death or later.
    """

    owner: str
    lost_at_s: float


class Idempotency(Protocol):
    """One row per idempotency key. Safe under SIGKILL of any holder."""

    def begin(self, key: str, owner: str, lease_s: float) -> Claimed | Stored | Held:
        """Try to take the step `key` for `lease_s` seconds."""
        ...

    def renew(self, key: str, token: int, lease_s: float) -> bool:
        """Extend the lease; False if a later attempt took the step over."""
        ...

    def commit(self, key: str, token: int, result: str) -> bool:
        """Store the result; False if a later attempt took the step over, and nothing is stored."""
        ...

    def effect_key(self, key: str, attempt_id: str) -> str:
        """Return the key under which an attempt's effects go to the outside world.

        A repeat of the step has to send the same one, or nobody out there can tell it from a new
        effect.
        """
        ...

    def abandon(self, key: str, token: int) -> None:
        """Give the step back after a failure, so that a later attempt need not wait."""
        ...

    def abandon_lost(self, key: str, lost: LostProcess, lease_s: float) -> None:
        """Give the step back in the place of a process that is known to be dead.

        A lease that was taken or renewed after the process was lost stays what it is.
        """
        ...
