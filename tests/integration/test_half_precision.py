"""The real driver as it runs on CUDA: in float16, there and, slowly, on the CPU."""

import hashlib
import subprocess
import sys

import pytest

from shared.compute import model_source
from shared.compute.device import devices_here
from shared.compute.diffusers_images import DiffusersImages
from shared.ports.image_generator import ImageSpec, Resume, SaveState
from tests.integration.test_diffusers_images import SPEC, STEPS, TINY, Recorder, every_step

_FORK = f"""
import hashlib, os, sys
pid = os.fork()
if pid == 0:
    from shared.compute.diffusers_images import DiffusersImages
    from shared.ports.image_generator import ImageSpec
    driver = DiffusersImages({str(TINY)!r}, "cuda", threads=1)
    driver.load()
    print(hashlib.sha256(driver.generate({SPEC!r}, lambda *_: None)).hexdigest(), flush=True)
    os._exit(0)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""


def on_cuda() -> DiffusersImages:
    if "cuda" not in devices_here():
        pytest.skip("torch sees no CUDA device")
    driver = DiffusersImages(str(TINY), "auto", threads=1)
    driver.load()
    return driver


def on_the_cpu() -> DiffusersImages:
    import torch

    in_float32 = model_source.load_pipeline
    driver = DiffusersImages(str(TINY), "cpu", threads=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            model_source, "load_pipeline", lambda *named: in_float32(*named).to(torch.float16)
        )
        driver.load()
    return driver


@pytest.fixture(scope="module")
def cuda() -> DiffusersImages:
    return on_cuda()


@pytest.fixture(scope="module", params=[on_cuda, on_the_cpu])
def half(request: pytest.FixtureRequest) -> DiffusersImages:
    driver: DiffusersImages = request.param()
    return driver


@pytest.fixture(scope="module")
def whole(half: DiffusersImages) -> tuple[bytes, Recorder]:
    """An uninterrupted run of `SPEC`: its PNG and its steps."""
    recorder = Recorder()
    return half.generate(SPEC, recorder), recorder


def test_the_name_shows_half_precision(half: DiffusersImages) -> None:
    assert half.name.endswith(", float16)")


def test_the_same_spec_gives_the_same_bytes(
    half: DiffusersImages, whole: tuple[bytes, Recorder]
) -> None:
    recorder = Recorder()
    assert half.generate(SPEC, recorder) == whole[0]
    assert recorder.states == whole[1].states


@pytest.mark.parametrize("done", [1, 2, 5, STEPS - 1, STEPS])
def test_a_resumed_generation_gives_the_same_pixels(
    half: DiffusersImages, whole: tuple[bytes, Recorder], done: int
) -> None:
    png, first_run = whole
    recorder = Recorder()
    assert half.generate(SPEC, recorder, Resume(done, first_run.states[done])) == png
    assert recorder.calls == every_step(done + 1)
    later = {step: state for step, state in first_run.states.items() if step > done}
    assert recorder.states == later, "the latents after every later step are equal to the bit"


def test_auto_takes_cuda(cuda: DiffusersImages) -> None:
    assert cuda.name == "diffusers: tiny-shapes (cuda, float16)"


def test_a_step_is_reported_once_the_device_has_done_it(cuda: DiffusersImages) -> None:
    import torch

    finished: list[bool] = []

    def on_step(_done: int, _total: int, _save: SaveState) -> None:
        finished.append(torch.cuda.current_stream().query())

    cuda.generate(ImageSpec(SPEC.prompt, SPEC.seed, STEPS, 512, 512), on_step)
    assert finished == [True] * STEPS


def test_the_forked_child_of_a_parent_without_torch_gives_the_same_bytes(
    cuda: DiffusersImages,
) -> None:
    """Celery forks the process that runs the steps; CUDA allows it if the parent never used it."""
    run = subprocess.run([sys.executable, "-c", _FORK], capture_output=True, text=True, check=True)
    expected = cuda.generate(SPEC, Recorder())
    assert run.stdout.strip() == hashlib.sha256(expected).hexdigest()
