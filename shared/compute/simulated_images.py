"""A simulated GPU: timed steps that use no CPU, so one machine can run many trials at once."""

import hashlib
import io
import time
from functools import partial

from shared.ports.image_generator import ImageSpec, Resume, StepCallback


class SimulatedImages:
    """Sleeps `step_s` seconds a step, then paints a picture that depends only on the spec."""

    can_resume = True

    def __init__(self, step_s: float, load_s: float) -> None:
        self._step_s = step_s
        self._load_s = load_s

    @property
    def name(self) -> str:
        """The driver, as reports show it."""
        return f"simulated: {self._step_s:g} s a step"

    def load(self) -> None:
        """Wait as long as loading a model would take."""
        # Late, so that only a process that paints loads Pillow.
        import PIL.PngImagePlugin  # noqa: F401

        time.sleep(self._load_s)

    def generate(
        self, spec: ImageSpec, on_step: StepCallback, resume: Resume | None = None
    ) -> bytes:
        """Return a PNG of `width` x `height` pixels after the steps that are left."""
        start = resume.done if resume and resume.done < spec.steps else 0
        for done in range(start + 1, spec.steps + 1):
            time.sleep(self._step_s)
            on_step(done, spec.steps, partial(_state, spec, done))
        return _paint(spec)


def _state(spec: ImageSpec, done: int) -> bytes:
    return f"{spec.seed}:{done}".encode()


def _paint(spec: ImageSpec) -> bytes:
    from PIL import Image

    digest = hashlib.sha256(f"{spec.prompt}\0{spec.seed}\0{spec.steps}".encode()).digest()
    tile = Image.frombytes("RGB", (3, 3), digest[:27])
    out = io.BytesIO()
    tile.resize((spec.width, spec.height), Image.Resampling.BICUBIC).save(out, format="PNG")
    return out.getvalue()
