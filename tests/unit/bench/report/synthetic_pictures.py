"""The pictures of a run that never ran."""

import json
from pathlib import Path

from PIL import Image, ImageDraw


def write_pictures(images: Path, arms: tuple[str, ...]) -> None:
    """Draw three pictures an arm, the same on all of them, and their index."""
    index = []
    for arm in arms:
        folder = images / arm.replace("/", "-")
        folder.mkdir(parents=True, exist_ok=True)
        for seed, colour in ((1, "red"), (2, "gold"), (3, "seagreen")):
            image = Image.new("RGB", (64, 64), "navy")
            ImageDraw.Draw(image).ellipse((12, 12, 52, 52), fill=colour)
            image.save(folder / f"{seed}.png")
            prompt = f"a {colour} circle on a navy background"
            index.append(
                {
                    "arm": arm,
                    "job_id": f"job-{seed}",
                    "name": "image-0.png",
                    "prompt": prompt,
                    "seed": seed,
                    "file": f"{folder.name}/{seed}.png",
                }
            )
    (images / "index.json").write_text(json.dumps(index))
