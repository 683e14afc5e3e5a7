"""What faults bring to face sessions: pictures and a video, each of one colour.

The simulated model takes a picture's mean colour for a face, so what has one colour matches.
"""

import io
from fractions import Fraction
from functools import cache

from shared.domain.faces import IMAGE, VIDEO

_SIZE_PX = (64, 48)
_GREY, _DARKER_GREY = (200, 200, 200), (150, 150, 150)
_FRAMES, _FRAMES_PER_S = 8, 15


@cache
def session_files() -> dict[str, bytes]:
    """Return a file for each slot of a session; their faces match."""
    return {IMAGE: _jpeg(_GREY), VIDEO: _mp4(_GREY)}


@cache
def other_image() -> bytes:
    """Return another picture."""
    return _jpeg(_DARKER_GREY)


def _jpeg(colour: tuple[int, int, int]) -> bytes:
    from PIL import Image

    out = io.BytesIO()
    Image.new("RGB", _SIZE_PX, colour).save(out, format="JPEG")
    return out.getvalue()


def _mp4(colour: tuple[int, int, int]) -> bytes:
    # Late, because FFmpeg is of no use to a run without sessions.
    import av
    import numpy as np

    out = io.BytesIO()
    width, height = _SIZE_PX
    pixels = np.full((height, width, 3), colour, np.uint8)
    with av.open(out, "w", format="mp4") as target:
        stream = target.add_stream("mpeg4", rate=_FRAMES_PER_S)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(_FRAMES):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, _FRAMES_PER_S)
            target.mux(stream.encode(frame))
        target.mux(stream.encode())
    return out.getvalue()
