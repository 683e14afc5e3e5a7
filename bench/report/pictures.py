"""The pictures that the jobs made, small enough to travel inside the page.

`images/index.json` is a list of `{arm, job_id, name, prompt, seed, file, killed}`, `file` relative
to `images/` or to the arm's folder in it.
"""

import base64
import io
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image, ImageChops
from pydantic import TypeAdapter, ValidationError

from bench.report.arms import arm_key
from bench.report.part import Part, called, template

PER_ARM = 8
_SIDE_PX = 160
_TOTAL_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """One line of `images/index.json`."""

    arm: str
    job_id: str
    name: str
    prompt: str
    seed: int
    file: str
    killed: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture as a data URI."""

    arm: str
    job_id: str
    uri: str
    killed: bool
    """Whether a worker was killed while it made this job's pictures."""


@dataclass(frozen=True, slots=True)
class PictureSet:
    """The pictures of one prompt and seed, an arm each, and whether they are the same.

    `difference` is the largest difference of any channel of any pixel (0..255) between two
    pictures of the set; None for a set of one or of unequal sizes.
    """

    prompt: str
    seed: int
    pictures: list[Picture]
    difference: int | None

    @property
    def sentence(self) -> str:
        """What the comparison found; empty for a set of one."""
        if len(self.pictures) < 2:
            return ""
        match self.difference:
            case None:
                return "of different sizes"
            case 0:
                return "the same pixels on every arm"
            case largest:
                return f"largest difference {largest} of 255"


def load_pictures(folder: Path) -> list[PictureSet]:
    """Return the run's pictures, those made on most arms first; empty without an index."""
    images = folder / "images"
    found: dict[tuple[str, int], dict[str, tuple[IndexEntry, Path]]] = defaultdict(dict)
    for entry in _index(images):
        path = _path(images, entry)
        if path is not None:
            found[entry.prompt, entry.seed].setdefault(entry.arm, (entry, path))
    sets: list[PictureSet] = []
    shown: dict[str, int] = defaultdict(int)
    size = 0
    for (prompt, seed), by_arm in sorted(found.items(), key=lambda item: -len(item[1])):
        arms = [arm for arm in sorted(by_arm, key=arm_key) if shown[arm] < PER_ARM]
        opened = [(by_arm[arm][0], Image.open(by_arm[arm][1]).convert("RGB")) for arm in arms]
        pictures = [
            Picture(entry.arm, entry.job_id, _uri(image), entry.killed) for entry, image in opened
        ]
        size += sum(len(picture.uri) for picture in pictures)
        if not pictures or size > _TOTAL_BYTES:
            continue
        for arm in arms:
            shown[arm] += 1
        sets.append(PictureSet(prompt, seed, pictures, _difference([i for _, i in opened])))
    return sets


def _index(images: Path) -> list[IndexEntry]:
    try:
        text = (images / "index.json").read_bytes()
        return TypeAdapter(list[IndexEntry]).validate_json(text)
    except (FileNotFoundError, ValidationError):
        # Pictures illustrate; a run without them, or with a damaged index, still has a report.
        return []


def _path(images: Path, entry: IndexEntry) -> Path | None:
    for folder in (images, images / entry.arm.replace("/", "-")):
        path = (folder / entry.file).resolve()
        if path.is_relative_to(images.resolve()) and path.is_file():
            return path
    return None


def _uri(image: Image.Image) -> str:
    small = image.copy()
    small.thumbnail((_SIDE_PX, _SIDE_PX))
    out = io.BytesIO()
    small.save(out, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()


def _difference(images: Sequence[Image.Image]) -> int | None:
    first, *others = images
    if not others or any(image.size != first.size for image in others):
        return None
    return max(max(ImageChops.difference(first, image).tobytes(), default=0) for image in others)


def _content(page: Any) -> Any:
    return page.pictures if page.shows_cells else None


PART = Part(
    "pictures",
    called("The pictures"),
    _content,
    template("pictures.html.j2"),
)
