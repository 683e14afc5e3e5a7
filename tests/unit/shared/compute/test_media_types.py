"""What a file is, by its content, and whether all of it is there."""

import io

import pytest

from shared.compute.media_types import (
    JPEG,
    MATROSKA,
    MP4,
    PNG,
    QUICKTIME,
    UNKNOWN,
    WEBM,
    WEBP,
    is_cut_off,
    sniff,
)
from shared.domain.errors import UnreadableMedia

_EBML = b"\x1a\x45\xdf\xa3"


def box(kind: bytes, content: bytes = b"") -> bytes:
    return (8 + len(content)).to_bytes(4) + kind + content


def matroska(doc_type: bytes, segment: bytes) -> bytes:
    header = b"\x42\x86\x81\x01\x42\x82" + bytes([0x80 | len(doc_type)]) + doc_type
    return _EBML + bytes([0x80 | len(header)]) + header + b"\x18\x53\x80\x67" + segment


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (b"\xff\xd8\xff\xe1rest", JPEG),
        (b"\x89PNG\r\n\x1a\nrest", PNG),
        (b"RIFF\0\0\0\0WEBPVP8 ", WEBP),
        (b"RIFF\0\0\0\0AVI LIST", "video/x-msvideo"),
        (b"RIFF\0\0\0\0????", UNKNOWN),
        (box(b"ftyp", b"isom\0\0\2\0"), MP4),
        (box(b"ftyp", b"mp42\0\0\0\0"), MP4),
        (box(b"ftyp", b"qt  \0\0\0\0"), QUICKTIME),
        (box(b"moov", b"mvhd"), QUICKTIME),
        (box(b"ftyp", b"heic\0\0\0\0"), "image/heic"),
        (box(b"ftyp", b"avif\0\0\0\0"), "image/avif"),
        (box(b"ftyp", b"M4A \0\0\0\0"), "audio/mp4"),
        (matroska(b"webm", b"\x80"), WEBM),
        (matroska(b"matroska", b"\x80"), MATROSKA),
        (b"GIF89a", "image/gif"),
        (b"%PDF-1.7", "application/pdf"),
        (b"#EXTM3U\n", UNKNOWN),
        (b"x", UNKNOWN),
    ],
)
def test_a_file_is_what_its_first_bytes_say(data: bytes, media_type: str) -> None:
    assert sniff(data) == media_type


def test_an_empty_file_is_an_error_that_says_so() -> None:
    with pytest.raises(UnreadableMedia, match="empty"):
        sniff(b"")


WHOLE = box(b"ftyp", b"isom") + box(b"moov", b"m" * 40) + box(b"mdat", b"d" * 100)
LARGE = b"\0\0\0\x01mdat" + (16 + 100).to_bytes(8) + b"d" * 100
TO_THE_END = b"\0\0\0\0mdat" + b"d" * 100
SEGMENT = b"\x01\0\0\0\0\0\0\x64"
UNKNOWN_SIZE = b"\x01" + b"\xff" * 7


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (WHOLE, MP4),
        (WHOLE + b"\0\0\0", MP4),
        (box(b"ftyp") + LARGE, MP4),
        (box(b"ftyp") + TO_THE_END, QUICKTIME),
        (matroska(b"webm", SEGMENT + b"s" * 100), WEBM),
        (matroska(b"webm", UNKNOWN_SIZE + b"s" * 10), WEBM),
    ],
)
def test_a_whole_file_is_not_cut_off(data: bytes, media_type: str) -> None:
    assert not is_cut_off(io.BytesIO(data), media_type)


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (WHOLE[:-1], MP4),
        (WHOLE[: len(WHOLE) // 2], MP4),
        (box(b"ftyp") + LARGE[:-1], MP4),
        (box(b"ftyp") + b"\0\0\0\x01mdat" + b"\xff" * 8, MP4),
        (matroska(b"matroska", SEGMENT + b"s" * 99), MATROSKA),
        (matroska(b"webm", SEGMENT), WEBM),
    ],
)
def test_a_file_that_is_shorter_than_it_says_is_cut_off(data: bytes, media_type: str) -> None:
    assert is_cut_off(io.BytesIO(data), media_type)


@pytest.mark.parametrize("media_type", [MP4, WEBM])
@pytest.mark.parametrize("data", [b"", b"\0", b"\0" * 40, b"\xff" * 40, _EBML, _EBML + b"\0" * 9])
def test_rubbish_never_fails(data: bytes, media_type: str) -> None:
    assert is_cut_off(io.BytesIO(data), media_type) in (True, False)
