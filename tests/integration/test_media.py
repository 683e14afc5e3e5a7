"""Real pictures and videos are decoded; what is none is refused with a sentence that helps."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from shared.compute.image_media import check_image, decode_image
from shared.compute.media_types import MediaLimits
from shared.compute.video_media import check_video, open_video
from shared.domain.errors import UnreadableMedia
from shared.ports.face_embedder import Pixels
from tests import media

FRAMES = 40
LEVELS = range(20, 20 + 5 * FRAMES, 5)
"""The brightness of each frame says which it is."""

CONTAINERS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "mp4": ("video/mp4", lambda: media.levels_video(LEVELS)),
    "mp4, B frames": ("video/mp4", lambda: media.levels_video(LEVELS, codec="libx264", gop=15)),
    "mp4, one keyframe": ("video/mp4", lambda: media.levels_video(LEVELS, gop=1000)),
    "mp4, in fragments": (
        "video/mp4",
        lambda: media.levels_video(LEVELS, options={"movflags": "frag_keyframe+empty_moov"}),
    ),
    "mov": ("video/quicktime", lambda: media.levels_video(LEVELS, container="mov")),
    "mkv": (
        "video/x-matroska",
        lambda: media.levels_video(LEVELS, container="matroska", codec="libx264", gop=15),
    ),
    "webm": (
        "video/webm",
        lambda: media.levels_video(LEVELS, container="webm", codec="libvpx"),
    ),
    "webm, streamed": (
        "video/webm",
        lambda: media.levels_video(LEVELS, container="webm", codec="libvpx", options={"live": "1"}),
    ),
}


@pytest.fixture(scope="module", params=CONTAINERS)
def recording(request: pytest.FixtureRequest) -> tuple[str, bytes]:
    """A video in each container, and its media type."""
    media_type, make = CONTAINERS[request.param]
    return media_type, make()


@pytest.fixture(scope="module")
def mp4() -> bytes:
    return media.levels_video(LEVELS)


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, format=kind, **options)
    return out.getvalue()


def number_shown(pixels: Pixels) -> int:
    return round((float(pixels.mean()) - LEVELS[0]) / 5)


# Pictures


@pytest.mark.parametrize(
    ("kind", "media_type"), [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("WEBP", "image/webp")]
)
def test_a_picture_is_decoded_whatever_its_name(tmp_path: Path, kind: str, media_type: str) -> None:
    path = tmp_path / "picture.mp4"
    path.write_bytes(saved(media.scenery(), kind))
    assert check_image(path) == media_type
    pixels = decode_image(path)
    assert (pixels.shape, pixels.dtype) == ((480, 640, 3), np.uint8)
    assert pixels.flags.c_contiguous


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "CMYK", "1"])
def test_every_colour_mode_becomes_rgb(mode: str) -> None:
    kind = "JPEG" if mode == "CMYK" else "PNG"
    assert decode_image(saved(media.scenery().convert(mode), kind)).shape == (480, 640, 3)


def test_sixteen_bits_a_pixel_are_scaled_and_not_clipped() -> None:
    grey = Image.fromarray(np.full((8, 8), 0x8000, np.uint16))
    assert set(decode_image(saved(grey, "PNG")).ravel()) == {0x80}


def test_what_is_transparent_is_white() -> None:
    hidden = Image.new("RGBA", (8, 8), (10, 20, 30, 0))
    assert set(decode_image(saved(hidden, "PNG")).ravel()) == {255}


def test_a_picture_is_turned_upright_as_its_exif_says() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # taken with the camera on its side: turn by 90 degrees clockwise
    sideways = media.scenery().rotate(90, expand=True)
    pixels = decode_image(media.jpeg(sideways, exif=exif))
    assert pixels.shape == (480, 640, 3)
    assert np.abs(pixels.astype(int) - np.asarray(media.scenery())).mean() < 8


def test_of_several_pictures_in_a_file_the_first_counts() -> None:
    first, second = (Image.new("RGB", (16, 16), colour) for colour in ("white", "black"))
    phone = saved(first, "MPO", save_all=True, append_images=[second])
    assert check_image(phone) == "image/jpeg"
    for data in (phone, saved(first, "WEBP", save_all=True, append_images=[second])):
        assert decode_image(data).min() > 250


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.95])
def test_a_picture_that_is_cut_off_is_refused(kind: str, share: float) -> None:
    with pytest.raises(UnreadableMedia, match="cut off or damaged; send the whole file again"):
        check_image(media.cut(saved(media.scenery(), kind), share))


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_decompression_bomb_is_refused_before_it_is_decoded() -> None:
    with pytest.raises(UnreadableMedia, match="12000 x 12000 pixels; send one of at most 50000000"):
        check_image(media.bomb())


def test_a_bomb_beyond_what_the_decoder_itself_allows_is_refused_too() -> None:
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b"")]
    png = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )
    with pytest.raises(UnreadableMedia, match="too large; send one of at most 50000000 pixels"):
        check_image(png)


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: b"", "the file is empty"),
        (lambda: media.TEXT, "of no known type; send a JPEG, PNG or WebP picture"),
        (lambda: saved(media.scenery(), "GIF"), "is image/gif; send a JPEG, PNG or WebP picture"),
        (lambda: media.levels_video([90] * 3), "is video/mp4; send a JPEG, PNG or WebP picture"),
    ],
    ids=["empty", "text", "gif", "video"],
)
def test_what_is_no_picture_is_refused(
    tmp_path: Path, make: Callable[[], bytes], complaint: str
) -> None:
    path = tmp_path / "picture.jpg"
    path.write_bytes(make())
    with pytest.raises(UnreadableMedia, match=complaint):
        check_image(path)


# Videos


def test_a_video_is_known_by_its_content(tmp_path: Path, recording: tuple[str, bytes]) -> None:
    media_type, data = recording
    path = tmp_path / "video.jpg"
    path.write_bytes(data)
    assert check_video(path) == check_video(data) == media_type


@pytest.mark.parametrize("count", [1, 3, 7, FRAMES - 1, FRAMES, FRAMES + 9])
def test_frames_come_from_the_whole_video_evenly(recording: tuple[str, bytes], count: int) -> None:
    with open_video(recording[1]) as video:
        assert video.frame_count == FRAMES
        numbers = video.spread(count)
        shown = [(number, number_shown(pixels)) for number, pixels in video.frames(numbers)]
    assert shown == [(number, number) for number in numbers], "frame by frame, in display order"
    assert len(numbers) == min(count, FRAMES)
    gaps = np.diff([-1 - numbers[0], *numbers, 2 * FRAMES - 1 - numbers[-1]])
    assert gaps.max() - gaps.min() <= 2, "as far from each other as twice from either end"


def test_a_frame_is_the_same_whichever_were_taken_before(recording: tuple[str, bytes]) -> None:
    with open_video(recording[1]) as video:
        numbers = video.spread(9)
        whole = dict(video.frames(numbers))
        for first in range(len(numbers)):
            for number, pixels in video.frames(numbers[first:]):
                assert np.array_equal(pixels, whole[number])


def test_a_video_is_turned_upright_as_its_header_says() -> None:
    corner = media.scenery(96, 64)
    corner.paste((255, 255, 255), (64, 0, 96, 24))
    recorded = media.video([corner.rotate(90, expand=True)] * 4)
    with open_video(media.turned(recorded)) as video:
        for _, pixels in video.frames([0, 3]):
            assert pixels.shape == (64, 96, 3)
            assert pixels.flags.c_contiguous
            assert pixels[4:20, 68:92].mean() > 240
            assert pixels[44:60, 4:28].mean() < 150


@pytest.mark.parametrize("container", [name for name in CONTAINERS if "streamed" not in name])
@pytest.mark.parametrize("share", [0.03, 0.3, 0.7, 0.99])
def test_a_video_that_is_cut_off_is_refused(container: str, share: float) -> None:
    media_type, make = CONTAINERS[container]
    with pytest.raises(UnreadableMedia, match=f"{media_type} video is cut off or damaged; send"):
        check_video(media.cut(make(), share))


def test_of_a_streamed_video_which_never_says_how_long_it_is_what_is_there_counts() -> None:
    with open_video(media.cut(CONTAINERS["webm, streamed"][1](), 0.5)) as video:
        assert 1 < video.frame_count < FRAMES


def test_a_damaged_frame_is_replaced_by_the_next_that_can_be_decoded() -> None:
    data = media.levels_video(LEVELS, codec="libx264", gop=5)
    middle = len(data) // 2
    with open_video(data[:middle] + b"\xff" * 50 + data[middle + 50 :]) as video:
        assert video.frame_count == FRAMES
        wanted = video.spread(20)
        taken = [number for number, _ in video.frames(wanted)]
        for first in range(len(wanted)):
            after = [number for number, _ in video.frames(wanted[first:])]
            assert after == [number for number in taken if number >= wanted[first]]
    assert taken == sorted(set(taken))
    assert len(set(wanted) - set(taken)) in (1, 2), "what is damaged is not among them"
    assert set(wanted) & set(taken) >= set(wanted[:8] + wanted[-3:])


def test_a_video_of_which_nothing_can_be_decoded_is_refused(mp4: bytes) -> None:
    start, end = mp4.index(b"mdat") + 4, mp4.index(b"moov") - 4
    hollow = mp4[:start] + bytes(end - start) + mp4[end:]
    with pytest.raises(UnreadableMedia, match="cut off or damaged"):
        check_video(hollow)


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: b"", "the file is empty"),
        (lambda: media.TEXT, "of no known type; send an MP4, MOV, WebM or MKV video"),
        (lambda: b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "of no known type"),
        (lambda: media.png(media.scenery()), "is image/png; send an MP4"),
        (lambda: saved(media.scenery(), "GIF"), "is image/gif; send an MP4"),
        (lambda: media.sound(), "has no video stream that can be decoded; send another"),
        (lambda: media.no_frames("mp4"), "has no video stream that can be decoded; send another"),
        (lambda: media.no_frames("matroska"), "has no frames; send one"),
    ],
    ids=["empty", "text", "playlist", "picture", "gif", "sound", "no track", "no frames"],
)
def test_what_is_no_video_is_refused(
    tmp_path: Path, make: Callable[[], bytes], complaint: str
) -> None:
    path = tmp_path / "video.mp4"
    path.write_bytes(make())
    with pytest.raises(UnreadableMedia, match=complaint):
        check_video(path)


@pytest.mark.parametrize(
    ("limits", "complaint"),
    [
        (MediaLimits(frame_pixels=64 * 48 - 1), "64 x 48 pixels; send one of at most 3071 pixels"),
        (MediaLimits(video_s=2.5), "lasts 3 s; send one of at most 2.5 s"),
        (MediaLimits(video_frames=FRAMES - 1), "more than 39 frames; send a shorter one"),
    ],
    ids=["size", "length", "frames"],
)
def test_a_video_over_a_limit_is_refused(mp4: bytes, limits: MediaLimits, complaint: str) -> None:
    with pytest.raises(UnreadableMedia, match=complaint):
        check_video(mp4, limits)


def test_a_video_at_its_limits_is_accepted(mp4: bytes) -> None:
    limits = MediaLimits(frame_pixels=64 * 48, video_s=2.6, video_frames=FRAMES)
    assert check_video(mp4, limits) == "video/mp4"


def test_a_file_that_is_not_there_is_not_called_damaged(tmp_path: Path) -> None:
    for check in (check_image, check_video):
        with pytest.raises(FileNotFoundError):
            check(tmp_path / "nowhere")
