"""A simulated face model: timed, no CPU to speak of, for trials that measure engines."""

import time

from shared.ports.face_embedder import FaceBox, FaceEmbedding, Pixels

_DIMENSIONS = 128
_DARK = 0.1
_STRIDE = 16


class SimulatedFaces:
    """Sleeps `step_s` seconds a picture, then takes its mean colour for a face.

    The distance of two pictures is that of their mean colours, each channel from 0 to 1: two
    pictures of one colour match, a red and a green one do not (1.4), and re-encoding changes
    nothing to speak of. A dark picture, all channels below 0.1, has no face.
    """

    def __init__(self, step_s: float, load_s: float) -> None:
        self._step_s = step_s
        self._load_s = load_s

    @property
    def name(self) -> str:
        """The driver, as reports show it."""
        return f"simulated: {self._step_s:g} s a face"

    def load(self) -> None:
        """Wait as long as loading a model would take."""
        time.sleep(self._load_s)

    def embed(self, image: Pixels, limit: int = 1) -> list[FaceEmbedding]:
        """Return one face, as large as the picture, unless the picture is dark."""
        import numpy as np

        time.sleep(self._step_s)
        colour = image[::_STRIDE, ::_STRIDE].mean(axis=(0, 1)) / 255
        if limit < 1 or colour.max() < _DARK:
            return []
        vector = np.zeros(_DIMENSIONS)
        vector[:3] = colour
        height, width, _ = image.shape
        return [FaceEmbedding(FaceBox(0, 0, width, height), vector)]
