"""Count how many random prompts the tiny model paints right, by looking at the pixels.

    python -m tools.training.evaluate --model shared/compute/models/tiny-shapes

A picture is right if its corners have the background's colour, the shape has its own colour,
and the shape's silhouette overlaps the asked one best of all shapes, and by at least 80 %.
"""

import argparse
import io
import random
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from shared.compute.diffusers_images import DiffusersImages
from shared.ports.image_generator import ImageSpec
from tools.training.shapes import COLOURS, SHAPES, SIZE, Scene, all_scenes, outline

_PALETTE = np.array(list(COLOURS.values()), dtype=np.int32)
_CORNER = 6


def colour_map(picture: Image.Image) -> NDArray[np.intp]:
    """The index in `COLOURS` of the colour nearest to each pixel, (height, width)."""
    pixels = np.asarray(picture.convert("RGB"), dtype=np.int32)
    nearest: NDArray[np.intp] = ((pixels[:, :, None, :] - _PALETTE) ** 2).sum(-1).argmin(-1)
    return nearest


def silhouette(shape: str, area: float, centroid: tuple[float, float]) -> NDArray[np.bool_]:
    """`shape` filled, with the given area and centroid in pixels, (SIZE, SIZE)."""

    def filled(centre: tuple[float, float], radius: float) -> NDArray[np.bool_]:
        canvas = Image.new("1", (SIZE, SIZE))
        ImageDraw.Draw(canvas).polygon(outline(shape, centre, radius), fill=1)
        return np.asarray(canvas)

    middle = (SIZE / 2, SIZE / 2)
    radius = 18 * (area / filled(middle, 18).sum()) ** 0.5
    xs, ys = np.nonzero(filled(middle, radius).T)
    offset = (middle[0] - xs.mean(), middle[1] - ys.mean())
    return filled((centroid[0] + offset[0], centroid[1] + offset[1]), radius)


def seen(picture: Image.Image) -> Scene | None:
    """What the picture shows, or None if that is not a clear shape on a clear background."""
    nearest = colour_map(picture)
    ends = (slice(0, _CORNER), slice(-_CORNER, None))
    corners = [np.bincount(nearest[y, x].ravel()).argmax() for y in ends for x in ends]
    if len(set(corners)) > 1:
        return None
    background = corners[0]
    counts = np.bincount(nearest[nearest != background], minlength=len(COLOURS))
    colour = counts.argmax()
    # Edge pixels mix both colours and may look like a third one: compare with these two only.
    pixels = np.asarray(picture.convert("RGB"), dtype=np.int32)
    distance = ((pixels[:, :, None, :] - _PALETTE[[colour, background]]) ** 2).sum(-1)
    mask = distance[:, :, 0] < distance[:, :, 1]
    if not 200 < mask.sum() < 0.6 * SIZE * SIZE:
        return None
    xs, ys = np.nonzero(mask.T)
    overlap: dict[str, float] = {}
    for shape in SHAPES:
        ideal = silhouette(shape, float(mask.sum()), (float(xs.mean()), float(ys.mean())))
        overlap[shape] = float((mask & ideal).sum() / (mask | ideal).sum())
    best = max(overlap, key=lambda shape: overlap[shape])
    if overlap[best] < 0.8:
        return None
    names = list(COLOURS)
    return Scene(best, names[int(colour)], names[int(background)])


def main() -> None:
    """Parse the command line, generate, print the count and each mistake."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--model", required=True, help="folder of the model")
    parser.add_argument("--count", type=int, default=64)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sheet", type=Path, help="write all pictures to this PNG")
    args = parser.parse_args()
    driver = DiffusersImages(args.model, "cpu", threads=1)
    driver.load()
    scenes = random.Random(args.seed).choices(all_scenes(), k=args.count)
    across = 16
    sheet = Image.new("RGB", (across * SIZE, -(-len(scenes) // across) * SIZE))
    right = 0
    for n, scene in enumerate(scenes):
        spec = ImageSpec(scene.prompt, args.seed + n, args.steps, SIZE, SIZE)
        picture = Image.open(io.BytesIO(driver.generate(spec, lambda *_: None)))
        sheet.paste(picture, (n % across * SIZE, n // across * SIZE))
        shown = seen(picture)
        right += shown == scene
        if shown != scene:
            print(f"{n}: {scene.prompt}: looks like {shown.prompt if shown else 'none of them'}")
    if args.sheet:
        sheet.save(args.sheet)
    print(f"{right} of {len(scenes)} right")


if __name__ == "__main__":
    main()
