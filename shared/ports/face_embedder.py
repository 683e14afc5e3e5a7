"""What a GPU face step needs from a compute driver."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    # Every worker imports this module, and only those that compare faces need numpy.
    import numpy as np
    from numpy.typing import NDArray

Pixels: TypeAlias = "NDArray[np.uint8]"
"""A picture: height x width x 3, RGB, upright, rows contiguous in memory."""


@dataclass(frozen=True, slots=True)
class FaceBox:
    """Where a face is, in pixels; `right` and `bottom` are the first pixels outside.

    A face that the picture cuts off may reach beyond the picture's edge.
    """

    left: int
    top: int
    right: int
    bottom: int

    @property
    def area(self) -> int:
        """The box's size in pixels."""
        return (self.right - self.left) * (self.bottom - self.top)


@dataclass(frozen=True, slots=True, eq=False)
class FaceEmbedding:
    """One face: `vector` has 128 numbers; two of one person are near in Euclidean distance."""

    box: FaceBox
    vector: "NDArray[np.float64]"


class FaceEmbedder(Protocol):
    """A driver that finds and embeds faces. One instance serves one worker slot.

    Distances mean something only between vectors of the same driver and model.
    """

    @property
    def name(self) -> str:
        """The driver and model, as results and reports show it; known before `load`."""
        ...

    def load(self) -> None:
        """Load weights to the device. Called once per worker, before it takes work."""
        ...

    def embed(self, image: Pixels, limit: int = 1) -> list[FaceEmbedding]:
        """Return at most `limit` of the faces in `image`, the largest first; empty if none.

        The same picture always gives the same vectors.
        """
        ...
