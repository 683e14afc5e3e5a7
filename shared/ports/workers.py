"""Which workers are ready to take work."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class WorkerInfo:
    """One live worker process; `age_s` is how long ago it last said so, in seconds."""

    name: str
    role: str
    engine: str
    pid: int
    age_s: float


class Workers(Protocol):
    """Workers announce themselves once their model is loaded, and again every second or so."""

    def beat(self, name: str, role: str, engine: str, pid: int) -> None:
        """Say that this worker is alive and ready."""
        ...

    def leave(self, name: str, pid: int) -> None:
        """Say that this worker is stopping; a newer process of the same name is not affected."""
        ...

    def alive(self, within_s: float = 5.0) -> Sequence[WorkerInfo]:
        """Return the workers that were heard of in the last `within_s` seconds."""
        ...
