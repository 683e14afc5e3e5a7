"""Identity pictures, selfie videos and files that are no such thing, made from two portraits."""

import io
from collections.abc import Iterable, Iterator
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.audio.stream import AudioStream
from av.video.stream import VideoStream
from PIL import Image, ImageEnhance

_PORTRAITS = Path(__file__).parent / "data" / "portraits"
_FPS = 15

TEXT = b"This is not a picture, whatever its name says.\n" * 40


class Person(StrEnum):
    """Who is in the portraits."""

    COLLINS = "collins"
    HOPPER = "hopper"


def portrait(person: Person) -> Image.Image:
    """Return the whole portrait, RGB, about 500 pixels wide."""
    with Image.open(_PORTRAITS / f"{person}.jpg") as image:
        return image.convert("RGB")


def head(person: Person) -> tuple[float, float, float]:
    """Return the middle of the face in the portrait and how wide head and shoulders are."""
    return {Person.COLLINS: (224.0, 125.0, 200.0), Person.HOPPER: (268.0, 245.0, 420.0)}[person]


def jpeg(image: Image.Image, quality: int = 90, **options: object) -> bytes:
    """Return a picture as JPEG."""
    out = io.BytesIO()
    image.save(out, format="JPEG", quality=quality, **options)
    return out.getvalue()


def png(image: Image.Image) -> bytes:
    """Return a picture as PNG."""
    out = io.BytesIO()
    image.save(out, format="PNG")
    return out.getvalue()


def id_image(person: Person) -> bytes:
    """Return a small, dull JPEG with head and shoulders, as on an identity document."""
    x, y, width = head(person)
    box = (x - width / 2, y - width * 0.6, x + width / 2, y + width * 0.6 + width / 7.5)
    photo = portrait(person).resize((210, 280), Image.Resampling.LANCZOS, box=_inside(person, box))
    return jpeg(ImageEnhance.Brightness(photo).enhance(0.9), quality=80)


def selfie_frames(person: Person, count: int = 45) -> Iterator[Image.Image]:
    """Yield frames of 320 x 400 in which the view drifts, comes closer and gets brighter."""
    x, y, width = head(person)
    source = portrait(person)
    for number in range(count):
        part = number / max(1, count - 1)
        wide = width * (1.25 - 0.2 * part)
        left = x - wide / 2 + width * 0.08 * (2 * part - 1)
        top = y - wide * 0.6
        box = _inside(person, (left, top, left + wide, top + wide * 1.25))
        frame = source.resize((320, 400), Image.Resampling.BICUBIC, box=box)
        yield ImageEnhance.Brightness(frame).enhance(0.9 + 0.3 * part)


def selfie_video(person: Person, count: int = 45, **how: object) -> bytes:
    """Return a video of three seconds, unless `count` frames last longer; `how` as in `video`."""
    return video(selfie_frames(person, count), **how)  # type: ignore[arg-type]


def _inside(
    person: Person, box: tuple[float, float, float, float]
) -> tuple[float, float, float, float]:
    """The same box, moved as little as it takes to lie inside the portrait."""
    width, height = portrait(person).size
    left, top, right, bottom = box
    dx = max(0.0, -left) - max(0.0, right - width)
    dy = max(0.0, -top) - max(0.0, bottom - height)
    return (
        max(0.0, left + dx),
        max(0.0, top + dy),
        min(width, right + dx),
        min(height, bottom + dy),
    )


def video(
    frames: Iterable[Image.Image],
    container: str = "mp4",
    codec: str = "mpeg4",
    *,
    gop: int = 12,
    options: dict[str, str] | None = None,
) -> bytes:
    """Encode frames of one even size, 15 a second, a keyframe every `gop` of them."""
    out = io.BytesIO()
    with av.open(out, "w", format=container, options=options or {}) as target:
        stream: VideoStream | None = None
        for number, image in enumerate(frames):
            if stream is None:
                stream = _video_stream(target, codec, image.size, gop)
            frame = av.VideoFrame.from_image(image)
            frame.pts = number
            frame.time_base = Fraction(1, _FPS)
            target.mux(stream.encode(frame))
        assert stream is not None, "a video needs a frame"
        target.mux(stream.encode())
    return out.getvalue()


def _video_stream(
    target: av.container.OutputContainer, codec: str, size: tuple[int, int], gop: int
) -> VideoStream:
    stream = cast(VideoStream, target.add_stream(codec, rate=_FPS))
    stream.width, stream.height = size
    stream.pix_fmt = "yuv420p"
    stream.bit_rate = 2_000_000
    stream.gop_size = gop
    stream.codec_context.thread_count = 1
    return stream


def levels_video(levels: Iterable[int], **how: object) -> bytes:
    """Return a small video of grey frames, each as bright (0 to 255) as `levels` says."""
    frames = (Image.new("RGB", (64, 48), (level, level, level)) for level in levels)
    return video(frames, **how)  # type: ignore[arg-type]


def turned(mp4: bytes) -> bytes:
    """Return an MP4 file that tells players to turn its frames by 90 degrees clockwise.

    So phones record: the matrix is in the track header (ISO/IEC 14496-12, 8.3.2).
    """
    matrix = mp4.index(b"tkhd") + 4 + 40
    quarter = [0, 0x10000, 0, 0xFFFF0000, 0, 0, 0, 0, 0x40000000]
    return mp4[:matrix] + b"".join(n.to_bytes(4) for n in quarter) + mp4[matrix + 36 :]


def scenery(width: int = 640, height: int = 480) -> Image.Image:
    """Return a picture without a face: a sky, a hill and noise."""
    rng = np.random.default_rng(7)
    y, x = np.mgrid[0:height, 0:width]
    hill = y > height * (0.6 + 0.15 * np.sin(x / width * 6))
    pixels = np.where(hill[..., None], (60, 110, 50), (120, 170, 230))
    return Image.fromarray((pixels + rng.integers(-12, 12, (height, width, 3))).astype(np.uint8))


def cut(data: bytes, share: float = 0.6) -> bytes:
    """Return the beginning of a file, as an interrupted upload leaves it."""
    return data[: int(len(data) * share)]


def bomb() -> bytes:
    """Return a PNG of some 20 kB that is 144 million pixels when decoded."""
    return png(Image.new("1", (12_000, 12_000)))


def sound() -> bytes:
    """Return an MP4 file with a second of silence and no picture."""
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as target:
        stream = cast(AudioStream, target.add_stream("aac", rate=16_000, layout="mono"))
        for number in range(16):
            samples = np.zeros((1, 1024), np.float32)
            frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
            frame.sample_rate = 16_000
            frame.pts = number * 1024
            target.mux(stream.encode(frame))
        target.mux(stream.encode())
    return out.getvalue()


def no_frames(container: str = "matroska") -> bytes:
    """Return a file with a video track that has no frames."""
    out = io.BytesIO()
    with av.open(out, "w", format=container) as target:
        _video_stream(target, "mpeg4", (64, 48), gop=12)
        target.start_encoding()
    return out.getvalue()
