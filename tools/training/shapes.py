"""The data set of the tiny model: one coloured shape on a background of another colour.

Pictures are drawn on demand from a seed, so the data set is code, not a download.
"""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image, ImageDraw

SIZE = 64
"""Width and height of a training picture, in pixels."""

COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (220, 30, 35),
    "green": (30, 150, 60),
    "blue": (35, 75, 215),
    "yellow": (250, 215, 40),
    "orange": (250, 130, 20),
    "purple": (130, 40, 160),
    "black": (20, 20, 24),
    "white": (245, 245, 245),
}
"""The eight colour words and their sRGB values."""

SHAPES = ("circle", "square", "triangle", "star")
"""The shape words."""

_OVERSAMPLE = 4


@dataclass(frozen=True, slots=True)
class Scene:
    """What a picture shows; `colour` and `background` differ."""

    shape: str
    colour: str
    background: str

    @property
    def prompt(self) -> str:
        """The sentence the model learns for this scene."""
        return f"a {self.colour} {self.shape} on a {self.background} background"


def all_scenes() -> list[Scene]:
    """Every scene the data set can show: shapes x ordered pairs of different colours."""
    return [
        Scene(shape, colour, background)
        for shape in SHAPES
        for colour in COLOURS
        for background in COLOURS
        if colour != background
    ]


def words() -> list[str]:
    """Every word of every prompt, sorted."""
    return sorted({word for scene in all_scenes() for word in scene.prompt.split()})


def outline(shape: str, centre: tuple[float, float], radius: float) -> list[tuple[float, float]]:
    """The corners of `shape` within `radius` of `centre`; a circle is a fine polygon."""
    cx, cy = centre
    if shape == "circle":
        spokes = [(i / 90, 1.0) for i in range(90)]
    elif shape == "square":
        spokes = [((2 * i + 1) / 8, 1.2) for i in range(4)]
    elif shape == "triangle":
        spokes = [(i / 3, 1.2) for i in range(3)]
        cy += 0.25 * radius
    elif shape == "star":
        spokes = [(i / 10, 1.25 if i % 2 == 0 else 0.52) for i in range(10)]
    else:
        raise ValueError(f"no shape is called {shape!r}; the shapes are {', '.join(SHAPES)}")
    return [
        (
            cx + radius * reach * math.sin(math.tau * turn),
            cy - radius * reach * math.cos(math.tau * turn),
        )
        for turn, reach in spokes
    ]


def draw(scene: Scene, centre: tuple[float, float], radius: float) -> Image.Image:
    """Draw `scene` as a `SIZE` x `SIZE` RGB picture with smooth edges; lengths in pixels."""
    side = SIZE * _OVERSAMPLE
    picture = Image.new("RGB", (side, side), COLOURS[scene.background])
    corners = outline(scene.shape, centre, radius)
    ImageDraw.Draw(picture).polygon(
        [(x * _OVERSAMPLE, y * _OVERSAMPLE) for x, y in corners], fill=COLOURS[scene.colour]
    )
    return picture.resize((SIZE, SIZE), Image.Resampling.BOX)


def samples(count: int, seed: int) -> Iterator[tuple[Image.Image, Scene]]:
    """Yield `count` pictures with their scenes; the same seed draws the same pictures.

    Position and size vary a little; the shape always covers the middle of the picture and
    never touches its corners.
    """
    rng = random.Random(seed)
    scenes = all_scenes()
    for _ in range(count):
        scene = rng.choice(scenes)
        centre = (SIZE / 2 + rng.uniform(-4, 4), SIZE / 2 + rng.uniform(-4, 4))
        yield draw(scene, centre, rng.uniform(15, 21)), scene
