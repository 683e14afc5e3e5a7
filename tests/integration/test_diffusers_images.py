"""The real driver with the tiny model it ships with, on the CPU."""

import io
import json
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops

import shared.compute
from shared.compute.diffusers_images import DiffusersImages
from shared.domain.errors import BadSetting
from shared.ports.image_generator import ImageSpec, Resume, SaveState
from tools.training.shapes import COLOURS

TINY = Path(shared.compute.__file__).parent / "models" / "tiny-shapes"
STEPS = 8
SPEC = ImageSpec("a red circle on a blue background", seed=7, steps=STEPS, width=64, height=64)


class StoppedError(Exception):
    pass


class Recorder:
    """An `on_step` that remembers every call and every state."""

    def __init__(self) -> None:
        self.calls: list[tuple[int, int]] = []
        self.states: dict[int, bytes] = {}

    def __call__(self, done: int, total: int, save: SaveState) -> None:
        self.calls.append((done, total))
        self.states[done] = save()


def every_step(first: int = 1, steps: int = STEPS) -> list[tuple[int, int]]:
    return [(done, steps) for done in range(first, steps + 1)]


def loaded(folder: Path) -> DiffusersImages:
    driver = DiffusersImages(str(folder), "cpu", threads=1)
    driver.load()
    return driver


def with_scheduler(folder: Path, scheduler: str, **changes: Any) -> DiffusersImages:
    """The tiny model, copied to `folder` with another scheduler class."""
    shutil.copytree(TINY, folder)
    index = json.loads((folder / "model_index.json").read_text())
    index["scheduler"] = ["diffusers", scheduler]
    (folder / "model_index.json").write_text(json.dumps(index))
    config_file = folder / "scheduler" / "scheduler_config.json"
    config = json.loads(config_file.read_text()) | {"_class_name": scheduler} | changes
    config_file.write_text(json.dumps(config))
    return loaded(folder)


@pytest.fixture(scope="module")
def tiny() -> DiffusersImages:
    return loaded(TINY)


@pytest.fixture(scope="module")
def whole(tiny: DiffusersImages) -> tuple[bytes, Recorder]:
    """An uninterrupted run of `SPEC`: its PNG and its steps."""
    recorder = Recorder()
    return tiny.generate(SPEC, recorder), recorder


def test_the_name_shows_model_device_and_precision(tiny: DiffusersImages) -> None:
    assert tiny.name == "diffusers: tiny-shapes (cpu, float32)"


def test_every_step_is_reported_once_and_in_order(whole: tuple[bytes, Recorder]) -> None:
    assert whole[1].calls == every_step()


def test_the_same_spec_gives_the_same_bytes(
    tiny: DiffusersImages, whole: tuple[bytes, Recorder]
) -> None:
    assert tiny.generate(SPEC, Recorder()) == whole[0]


def in_another_process(folder: Path, *, threads: int) -> bytes:
    """The picture as a process with so many threads makes it."""
    path = folder / "picture.png"
    code = (
        "import pathlib\n"
        "from shared.compute.diffusers_images import DiffusersImages\n"
        "from shared.ports.image_generator import ImageSpec\n"
        f"driver = DiffusersImages({str(TINY)!r}, 'cpu', threads={threads})\n"
        "driver.load()\n"
        f"png = driver.generate({SPEC!r}, lambda *_: None)\n"
        f"pathlib.Path({str(path)!r}).write_bytes(png)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stderr == "", "the driver is quiet"
    return path.read_bytes()


def test_another_process_gives_the_same_bytes(
    whole: tuple[bytes, Recorder], tmp_path: Path
) -> None:
    assert in_another_process(tmp_path, threads=1) == whole[0]


def test_more_threads_give_the_same_picture_but_for_rounding(
    whole: tuple[bytes, Recorder], tmp_path: Path
) -> None:
    # How sums are split among threads depends on the processor, and so does their last bit.
    other = in_another_process(tmp_path, threads=2)
    pictures = [Image.open(io.BytesIO(png)).convert("RGB") for png in (whole[0], other)]
    difference = ImageChops.difference(*pictures)
    assert max(high for _, high in difference.getextrema()) <= 2


def test_another_seed_gives_another_picture(
    tiny: DiffusersImages, whole: tuple[bytes, Recorder]
) -> None:
    other = ImageSpec(SPEC.prompt, seed=8, steps=STEPS, width=64, height=64)
    assert tiny.generate(other, Recorder()) != whole[0]


@pytest.mark.parametrize("done", [1, 2, 5, STEPS - 1, STEPS])
def test_a_resumed_generation_gives_the_same_pixels(
    tiny: DiffusersImages, whole: tuple[bytes, Recorder], done: int
) -> None:
    png, first_run = whole
    recorder = Recorder()
    assert tiny.generate(SPEC, recorder, Resume(done, first_run.states[done])) == png
    assert recorder.calls == every_step(done + 1)
    later = {step: state for step, state in first_run.states.items() if step > done}
    assert recorder.states == later, "the latents after every later step are equal to the bit"


@pytest.mark.parametrize(
    ("scheduler", "changes"),
    [
        ("DDIMScheduler", {"set_alpha_to_one": False, "clip_sample": False}),
        ("EulerDiscreteScheduler", {"timestep_spacing": "linspace", "use_karras_sigmas": True}),
        ("EulerDiscreteScheduler", {"timestep_spacing": "leading"}),
    ],
)
def test_other_exact_schedules_resume_to_the_same_pixels(
    tmp_path: Path, scheduler: str, changes: dict[str, Any]
) -> None:
    driver = with_scheduler(tmp_path / "model", scheduler, **changes)
    assert driver.can_resume
    first_run = Recorder()
    png = driver.generate(SPEC, first_run)
    for done in (1, STEPS - 1):
        recorder = Recorder()
        assert driver.generate(SPEC, recorder, Resume(done, first_run.states[done])) == png
        assert recorder.calls == every_step(done + 1)


def save_stable_diffusion_xl(folder: Path) -> None:
    """An SDXL pipeline with untrained networks around the tiny model's VAE and tokenizer."""
    import torch
    from diffusers import StableDiffusionPipeline, StableDiffusionXLPipeline, UNet2DConditionModel
    from transformers import CLIPTextModelWithProjection

    torch.manual_seed(0)
    tiny = StableDiffusionPipeline.from_pretrained(TINY, local_files_only=True)
    encoder = tiny.text_encoder
    unet = UNet2DConditionModel(
        sample_size=8,
        block_out_channels=(32, 64),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        layers_per_block=1,
        norm_num_groups=8,
        attention_head_dim=4,
        cross_attention_dim=2 * encoder.config.hidden_size,
        addition_embed_type="text_time",
        addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=6 * 8 + encoder.config.projection_dim,
    )
    StableDiffusionXLPipeline(
        vae=tiny.vae,
        text_encoder=encoder,
        text_encoder_2=CLIPTextModelWithProjection(encoder.config),
        tokenizer=tiny.tokenizer,
        tokenizer_2=tiny.tokenizer,
        unet=unet,
        scheduler=tiny.scheduler,
    ).save_pretrained(folder)


def test_stable_diffusion_xl_resumes_to_the_same_pixels(tmp_path: Path) -> None:
    save_stable_diffusion_xl(tmp_path / "xl")
    driver = loaded(tmp_path / "xl")
    assert driver.can_resume
    first_run = Recorder()
    png = driver.generate(SPEC, first_run)
    for done in (1, STEPS - 1):
        recorder = Recorder()
        assert driver.generate(SPEC, recorder, Resume(done, first_run.states[done])) == png
        assert recorder.calls == every_step(done + 1)


@pytest.mark.parametrize(
    ("scheduler", "changes"),
    [
        ("PNDMScheduler", {"skip_prk_steps": True, "timestep_spacing": "leading"}),
        ("EulerAncestralDiscreteScheduler", {}),
        ("DPMSolverMultistepScheduler", {}),
    ],
)
def test_a_scheduler_that_cannot_resume_restarts_from_zero_and_says_so(
    tmp_path: Path, scheduler: str, changes: dict[str, Any]
) -> None:
    driver = with_scheduler(tmp_path / "model", scheduler, **changes)
    assert not driver.can_resume
    first_run, second_run = Recorder(), Recorder()
    png = driver.generate(SPEC, first_run)
    assert driver.generate(SPEC, second_run, Resume(3, first_run.states[3])) == png
    total = first_run.calls[0][1]
    assert total >= STEPS
    assert first_run.calls == second_run.calls == every_step(steps=total)


def damaged_states(states: dict[int, bytes]) -> dict[str, Resume]:
    return {
        "empty": Resume(3, b""),
        "rubbish": Resume(3, b"rubbish" * 100),
        "cut off": Resume(3, states[3][:-40]),
        "of another step": Resume(4, states[3]),
        "beyond the end": Resume(STEPS + 1, states[STEPS]),
    }


@pytest.mark.parametrize(
    "damage", ["empty", "rubbish", "cut off", "of another step", "beyond the end"]
)
def test_a_damaged_state_restarts_from_zero(
    tiny: DiffusersImages, whole: tuple[bytes, Recorder], damage: str
) -> None:
    recorder = Recorder()
    resume = damaged_states(whole[1].states)[damage]
    assert tiny.generate(SPEC, recorder, resume) == whole[0]
    assert recorder.calls == every_step()


@pytest.mark.parametrize(
    "other",
    [
        ImageSpec(SPEC.prompt, SPEC.seed, STEPS + 2, 64, 64),
        ImageSpec(SPEC.prompt, SPEC.seed, STEPS, 96, 64),
        ImageSpec(SPEC.prompt, SPEC.seed + 1, STEPS, 64, 64),
        ImageSpec("a green star on a white background", SPEC.seed, STEPS, 64, 64),
    ],
    ids=["steps", "size", "seed", "prompt"],
)
def test_the_state_of_another_picture_restarts_from_zero(
    tiny: DiffusersImages, whole: tuple[bytes, Recorder], other: ImageSpec
) -> None:
    recorder = Recorder()
    png = tiny.generate(other, recorder, Resume(3, whole[1].states[3]))
    assert recorder.calls == every_step(steps=other.steps)
    assert png == tiny.generate(other, Recorder())


def test_raising_in_on_step_stops_and_leaves_no_trace(
    tiny: DiffusersImages, whole: tuple[bytes, Recorder]
) -> None:
    calls: list[int] = []

    def stop_at_three(done: int, _total: int, _save: SaveState) -> None:
        calls.append(done)
        if done == 3:
            raise StoppedError

    with pytest.raises(StoppedError):
        tiny.generate(SPEC, stop_at_three)
    assert calls == [1, 2, 3]
    resumed = Resume(4, whole[1].states[4])
    with pytest.raises(StoppedError):
        tiny.generate(SPEC, lambda *_: (_ for _ in ()).throw(StoppedError), resumed)
    assert tiny.generate(SPEC, Recorder()) == whole[0]


@pytest.mark.parametrize(("width", "height"), [(64, 64), (96, 64), (64, 128), (128, 128)])
def test_the_png_has_the_size_asked_for(tiny: DiffusersImages, width: int, height: int) -> None:
    spec = ImageSpec(SPEC.prompt, 1, 2, width, height)
    with Image.open(io.BytesIO(tiny.generate(spec, Recorder()))) as picture:
        assert (picture.format, picture.mode, picture.size) == ("PNG", "RGB", (width, height))


def nearest_colour(pixel: tuple[int, int, int]) -> str:
    def distance(name: str) -> int:
        return sum((a - b) ** 2 for a, b in zip(pixel, COLOURS[name], strict=True))

    return min(COLOURS, key=distance)


def main_colour(picture: Image.Image, box: tuple[int, int, int, int]) -> str:
    pixels = picture.crop(box).convert("RGB").tobytes()
    triples = zip(pixels[::3], pixels[1::3], pixels[2::3], strict=True)
    return Counter(nearest_colour(pixel) for pixel in triples).most_common(1)[0][0]


@pytest.mark.parametrize(
    ("colour", "shape", "background"),
    [
        ("red", "circle", "blue"),
        ("yellow", "star", "black"),
        ("green", "square", "white"),
        ("purple", "triangle", "orange"),
        ("white", "circle", "red"),
        ("blue", "square", "yellow"),
    ],
)
def test_the_picture_shows_the_colours_of_the_prompt(
    tiny: DiffusersImages, colour: str, shape: str, background: str
) -> None:
    prompt = f"a {colour} {shape} on a {background} background"
    png = tiny.generate(ImageSpec(prompt, seed=3, steps=20, width=64, height=64), Recorder())
    with Image.open(io.BytesIO(png)) as picture:
        assert main_colour(picture, (27, 27, 37, 37)) == colour
        for x in (0, 58):
            for y in (0, 58):
                assert main_colour(picture, (x, y, x + 6, y + 6)) == background


@pytest.mark.parametrize(
    ("missing", "complaint"),
    [
        ("model_index.json", "has no model_index.json"),
        ("vae", "lacks vae/"),
        ("unet/diffusion_pytorch_model.safetensors", "has no weights in unet/"),
    ],
)
def test_a_model_folder_that_lacks_files_gives_a_clear_error(
    tmp_path: Path, missing: str, complaint: str
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(TINY, folder)
    path = folder / missing
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
    with pytest.raises(BadSetting, match=complaint):
        loaded(folder)


def test_cut_off_weights_give_a_clear_error(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(TINY, folder)
    weights = folder / "vae" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(BadSetting, match="cannot be loaded"):
        loaded(folder)


def test_a_model_that_is_neither_folder_nor_hub_id_gives_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="neither a folder nor a hub id"):
        loaded(tmp_path / "nowhere")


def test_generating_before_loading_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="load"):
        DiffusersImages(str(TINY), "cpu", 1).generate(SPEC, Recorder())
