"""What a GPU image step needs from a compute driver."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ImageSpec:
    """One picture to make. `width` and `height` are in pixels, multiples of 8."""

    prompt: str
    seed: int
    steps: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Resume:
    """A point to go on from: `done` steps are finished, `state` was saved right after them."""

    done: int
    state: bytes


SaveState = Callable[[], bytes]
"""Serialises the state after the step just finished; costs nothing unless called."""

StepCallback = Callable[[int, int, SaveState], None]
"""Called as `(done, total, save)` after every step; raises to stop the generation."""


class ImageGenerator(Protocol):
    """A text-to-image driver. One instance serves one worker slot; it is not thread-safe."""

    @property
    def name(self) -> str:
        """The driver and model, as reports show it."""
        ...

    @property
    def can_resume(self) -> bool:
        """Whether `generate` honours `resume`; if not, it restarts from zero."""
        ...

    def load(self) -> None:
        """Load weights to the device. Called once per worker, before it takes work."""
        ...

    def generate(
        self, spec: ImageSpec, on_step: StepCallback, resume: Resume | None = None
    ) -> bytes:
        """Return a PNG. The same spec gives the same image, resumed or not.

        Raises whatever `on_step` raises, and nothing is kept of the run then.
        """
        ...
