"""What a file is, by its first bytes; its name and what a client says of it count for nothing."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeAlias

from shared.domain.errors import UnreadableMedia

JPEG = "image/jpeg"
PNG = "image/png"
WEBP = "image/webp"
MP4 = "video/mp4"
QUICKTIME = "video/quicktime"
WEBM = "video/webm"
MATROSKA = "video/x-matroska"
UNKNOWN = "application/octet-stream"

Source: TypeAlias = bytes | Path
"""A file's content, or where it is."""


@dataclass(frozen=True, slots=True)
class MediaLimits:
    """What is refused before it can cost much."""

    image_pixels: int = 50_000_000
    """Width x height of a picture; decoded, a pixel takes three bytes or more."""
    frame_pixels: int = 3840 * 2160
    video_s: float = 120.0
    video_frames: int = 7200


DEFAULT_LIMITS = MediaLimits()

_HEAD_BYTES = 64
_MAGIC = (
    (b"\xff\xd8\xff", JPEG),
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"GIF8", "image/gif"),
    (b"BM", "image/bmp"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),
    (b"OggS", "application/ogg"),
    (b"ID3", "audio/mpeg"),
)
_RIFF = {b"WEBP": WEBP, b"AVI ": "video/x-msvideo", b"WAVE": "audio/wav"}
# ISO/IEC 14496-12, 4.3: the major brand says what the file is first of all.
_BRANDS = {
    **dict.fromkeys((b"heic", b"heix", b"hevc", b"hevx", b"mif1", b"msf1"), "image/heic"),
    **dict.fromkeys((b"avif", b"avis"), "image/avif"),
    **dict.fromkeys((b"M4A ", b"M4B "), "audio/mp4"),
    b"qt  ": QUICKTIME,
}
_QUICKTIME_ATOMS = (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
_EBML = b"\x1a\x45\xdf\xa3"
_EBML_DOC_TYPE = b"\x42\x82"
_EBML_SEGMENT = b"\x18\x53\x80\x67"
_MAX_BOXES = 100_000


@contextmanager
def open_source(source: Source) -> Iterator[BinaryIO]:
    """Open a file's content for reading."""
    with io.BytesIO(source) if isinstance(source, bytes) else source.open("rb") as file:
        yield file


def sniff(source: Source) -> str:
    """Return the media type of a file; `UNKNOWN` if it is none that is known here.

    Raises `UnreadableMedia` if the file is empty.
    """
    with open_source(source) as file:
        head = file.read(_HEAD_BYTES)
    if not head:
        raise UnreadableMedia("the file is empty (0 bytes); send it again")
    return _type_of(head)


def _type_of(head: bytes) -> str:
    for magic, media_type in _MAGIC:
        if head.startswith(magic):
            return media_type
    if head.startswith(b"RIFF"):
        return _RIFF.get(head[8:12], UNKNOWN)
    if head.startswith(_EBML):
        # The document type is in the header, which is the file's first element and is short.
        return WEBM if b"webm" in _after(head, _EBML_DOC_TYPE) else MATROSKA
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], MP4)
    if head[4:8] in _QUICKTIME_ATOMS:
        return QUICKTIME
    return UNKNOWN


def _after(head: bytes, element: bytes) -> bytes:
    return head.partition(element)[2][:8]


def wrong_type(media_type: str, wanted: str) -> UnreadableMedia:
    """Return the error that says what a file is and what is `wanted` instead."""
    found = "of no known type" if media_type == UNKNOWN else media_type
    return UnreadableMedia(f"the file is {found}; send {wanted}")


def is_cut_off(file: BinaryIO, media_type: str) -> bool:
    """Whether a video file is shorter than its own structure says; nothing is decoded.

    A decoder would not tell: it plays what is there.
    """
    size = file.seek(0, io.SEEK_END)
    end = _end_of_segment(file) if media_type in (WEBM, MATROSKA) else _end_of_boxes(file, size)
    return end > size


def _end_of_boxes(file: BinaryIO, size: int) -> int:
    """Where the last top-level box ends (ISO/IEC 14496-12, 4.2)."""
    end = 0
    for _ in range(_MAX_BOXES):
        if end >= size:
            break
        file.seek(end)
        header = file.read(16)
        if len(header) < 8:
            break
        length = int.from_bytes(header[:4])
        if length == 0:
            return size
        if length == 1 and len(header) == 16:
            length = int.from_bytes(header[8:])
        end += max(length, 8)
    return end


def _end_of_segment(file: BinaryIO) -> int:
    """Where the segment that holds everything ends (RFC 8794, 6.2; RFC 9559, 4.5).

    0 if it does not say: a recorder that streams cannot know.
    """
    file.seek(len(_EBML))
    header_bytes = _vint(file)
    if header_bytes is None:
        return 0
    file.seek(header_bytes, io.SEEK_CUR)
    if file.read(len(_EBML_SEGMENT)) != _EBML_SEGMENT:
        return 0
    segment_bytes = _vint(file)
    return 0 if segment_bytes is None else file.tell() + segment_bytes


def _vint(file: BinaryIO) -> int | None:
    """Read a variable-size integer; None if it is damaged, or all ones, which is "unknown"."""
    first = file.read(1)
    if not first or not first[0]:
        return None
    length = 9 - first[0].bit_length()
    value = int.from_bytes(first + file.read(length - 1)) & ((1 << 7 * length) - 1)
    return None if value == (1 << 7 * length) - 1 else value
