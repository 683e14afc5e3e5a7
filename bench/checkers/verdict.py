"""Verdicts compose to the worst; what could not be judged is unknown, never fine."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from bench.record.metrics import Check, Verdict

T = TypeVar("T")
D = TypeVar("D")

_FROM_BEST = (Verdict.VALID, Verdict.UNKNOWN, Verdict.INVALID)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the worst verdict; nothing at all is unknown."""
    return max(verdicts, key=_FROM_BEST.index, default=Verdict.UNKNOWN)


@dataclass(slots=True)
class Checks:
    """Collects the checks of one cell, and keeps a crash in one from stopping the others."""

    done: list[Check] = field(default_factory=list)

    def run(self, name: str, check: Callable[[], Check]) -> None:
        """Add the outcome of `check`; if it crashes, add that under `name` as unknown."""
        try:
            self.done.append(check())
        except Exception as error:
            self._crashed(name, error)

    def value(self, name: str, default: D, compute: Callable[[], T]) -> T | D:
        """Return what `compute` returns; if it crashes, note that and return `default`."""
        try:
            return compute()
        except Exception as error:
            self._crashed(name, error)
            return default

    @property
    def verdict(self) -> Verdict:
        """The worst of all checks so far."""
        return worst(check.verdict for check in self.done)

    def _crashed(self, name: str, error: Exception) -> None:
        self.done.append(
            Check(name, Verdict.UNKNOWN, f"the checker crashed: {type(error).__name__}: {error}")
        )
