"""Decodes videos that strangers send, and samples frames from the whole of one."""

from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import BinaryIO

import av
import numpy as np
from av.container import InputContainer
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from shared.compute.media_types import (
    DEFAULT_LIMITS,
    MATROSKA,
    MP4,
    QUICKTIME,
    WEBM,
    MediaLimits,
    Source,
    is_cut_off,
    open_source,
    sniff,
    wrong_type,
)
from shared.domain.errors import UnreadableMedia
from shared.ports.face_embedder import Pixels

VIDEO_TYPES = (MP4, QUICKTIME, WEBM, MATROSKA)

# The demuxer is named, never guessed: among FFmpeg's are playlists that read other files.
_DEMUXERS = {MP4: "mov", QUICKTIME: "mov", WEBM: "matroska", MATROSKA: "matroska"}
_FFmpegError = av.error.FFmpegError
_NO_FRAMES = "the video has no frames; send one that shows a face"
_DAMAGED = "the {} video is cut off or damaged; send the whole file again"


class Video:
    """An open video. Frames are numbered from 0 in the order of display."""

    def __init__(
        self, container: InputContainer, stream: VideoStream, media_type: str, limits: MediaLimits
    ) -> None:
        self.media_type = media_type
        self._container = container
        self._stream = stream
        self._limits = limits
        self._times: list[int] = []
        self._keyframes: list[int] = []
        self._index()

    @property
    def frame_count(self) -> int:
        """How many frames the file has; some may turn out to be damaged."""
        return len(self._times)

    def spread(self, count: int) -> list[int]:
        """Return the numbers of `count` frames, spread evenly over the whole video.

        Each is the middle one of an equal share. All frames, if there are no more than `count`.
        """
        total = self.frame_count
        if total <= count:
            return list(range(total))
        return [(2 * place + 1) * total // (2 * count) for place in range(count)]

    def frames(self, numbers: Sequence[int]) -> Iterator[tuple[int, Pixels]]:
        """Yield the frames of these ascending numbers, upright, each with its number.

        In place of a frame that cannot be decoded comes the next one that can, under its own
        number, once at most; none, if no later frame can. Which frames come, and their pixels,
        do not depend on which frames were taken before.
        """
        wanted = deque(numbers)
        while wanted:
            # From its own keyframe on, so that what a frame looks like never depends on whether
            # the decoder came from an earlier one, and so that little is decoded in vain.
            start = self._keyframe(wanted[0])
            for frame in self._decode_from(start):
                if frame.pts is None:
                    continue
                number = bisect_right(self._times, frame.pts) - 1
                if number < wanted[0]:
                    continue
                yield number, self._pixels(frame)
                while wanted and wanted[0] <= number:
                    wanted.popleft()
                if not wanted or self._keyframe(wanted[0]) != start:
                    break
            else:
                return

    def _index(self) -> None:
        """Read the times of all frames. No frame is decoded: many files do not say how many."""
        keyframes = []
        with suppress(_FFmpegError):  # what follows damage is not read; what comes before counts
            for packet in self._container.demux(self._stream):
                time = packet.dts if packet.pts is None else packet.pts
                if time is None or packet.is_discard:
                    continue
                self._times.append(time)
                if packet.is_keyframe:
                    keyframes.append(time)
                if len(self._times) > self._limits.video_frames:
                    raise UnreadableMedia(
                        f"the video has more than {self._limits.video_frames} frames; "
                        "send a shorter one"
                    )
        self._times.sort()
        self._keyframes = sorted(keyframes)
        if not self._times:
            raise UnreadableMedia(_NO_FRAMES)
        lasts_s = float((self._times[-1] - self._times[0]) * (self._stream.time_base or 0))
        if lasts_s > self._limits.video_s:
            raise UnreadableMedia(
                f"the video lasts {lasts_s:.0f} s; send one of at most {self._limits.video_s:g} s"
            )

    def _keyframe(self, number: int) -> int:
        """The time of the keyframe from which frame `number` can be decoded."""
        place = bisect_right(self._keyframes, self._times[number])
        return self._keyframes[place - 1] if place else self._times[0]

    def _decode_from(self, time: int) -> Iterator[VideoFrame]:
        """Yield what can be decoded from a keyframe on; damaged frames are left out."""
        with suppress(_FFmpegError):
            self._container.seek(time, stream=self._stream)
            for packet in self._container.demux(self._stream):
                with suppress(_FFmpegError):
                    yield from packet.decode()

    def _pixels(self, frame: VideoFrame) -> Pixels:
        # A stream may change its size on the way.
        _check_size(frame.width, frame.height, self._limits)
        pixels = frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False)
        return np.ascontiguousarray(np.rot90(pixels, frame.rotation // 90))


@contextmanager
def open_video(source: Source, limits: MediaLimits = DEFAULT_LIMITS) -> Iterator[Video]:
    """Open an MP4, MOV, WebM or Matroska video.

    `UnreadableMedia` if it is anything else, cut off, without frames, too large or too long.
    """
    media_type = sniff(source)
    if media_type not in VIDEO_TYPES:
        raise wrong_type(media_type, "an MP4, MOV, WebM or MKV video")
    with open_source(source) as file:
        if is_cut_off(file, media_type):
            raise UnreadableMedia(_DAMAGED.format(media_type))
        with _open(file, media_type, limits) as container:
            stream = _video_stream(container)
            _check_size(stream.codec_context.width, stream.codec_context.height, limits)
            yield Video(container, stream, media_type, limits)


def check_video(source: Source, limits: MediaLimits = DEFAULT_LIMITS) -> str:
    """Return the media type of a video of which frames can be decoded; else `UnreadableMedia`."""
    with open_video(source, limits) as video:
        for _ in video.frames(video.spread(1)):
            return video.media_type
    raise UnreadableMedia(_DAMAGED.format(video.media_type))


def _open(file: BinaryIO, media_type: str, limits: MediaLimits) -> InputContainer:
    file.seek(0)
    try:
        return av.open(
            file,
            "r",
            format=_DEMUXERS[media_type],
            # For the decoders, which allocate a frame before anyone sees its size.
            options={"max_pixels": str(limits.frame_pixels)},
            metadata_errors="replace",
            io_open=_refuse_other_files,
        )
    except av.error.EOFError as error:
        raise UnreadableMedia(_NO_FRAMES) from error
    except _FFmpegError as error:
        raise UnreadableMedia(_DAMAGED.format(media_type)) from error


def _refuse_other_files(url: str, *_: object) -> BinaryIO:
    raise UnreadableMedia(f"the video refers to another file, {url[:80]!r}; send one that does not")


def _video_stream(container: InputContainer) -> VideoStream:
    """The first stream of moving pictures; the cover of a song is a stream of one picture."""
    for stream in container.streams.video:
        # Without a decoder there is no codec context, whatever PyAV's types say.
        if stream.codec_context and not stream.disposition & Disposition.attached_pic:
            return stream
    raise UnreadableMedia("the file has no video stream that can be decoded; send another video")


def _check_size(width: int, height: int, limits: MediaLimits) -> None:
    if width * height > limits.frame_pixels:
        raise UnreadableMedia(
            f"the video has {width} x {height} pixels; send one of at most "
            f"{limits.frame_pixels} pixels a frame"
        )
