"""The device setting: what it resolves to, and what it says when it cannot."""

import subprocess
import sys

import pytest

from shared.compute.device import DEVICES, devices_here, resolve_device
from shared.domain.errors import BadSetting


@pytest.mark.parametrize(
    ("available", "expected"),
    [(["cpu"], "cpu"), (["mps", "cpu"], "mps"), (["cuda", "cpu"], "cuda")],
)
def test_auto_takes_the_fastest_device(available: list[str], expected: str) -> None:
    assert resolve_device("auto", available) == expected


@pytest.mark.parametrize("device", ["cuda", "mps", "cpu"])
def test_a_present_device_is_used_as_requested(device: str) -> None:
    assert resolve_device(device, ["cuda", "mps", "cpu"]) == device


def test_an_absent_cuda_device_is_an_error_that_says_what_to_use() -> None:
    with pytest.raises(BadSetting) as caught:
        resolve_device("cuda", ["cpu"])
    assert str(caught.value) == (
        "CHANGEOVER_DEVICE=cuda but torch sees no CUDA device; use auto or cpu"
    )


def test_an_absent_metal_device_is_an_error() -> None:
    with pytest.raises(BadSetting, match="CHANGEOVER_DEVICE=mps but torch sees no Metal"):
        resolve_device("mps", ["cuda", "cpu"])


def test_an_unknown_device_is_an_error_that_lists_the_known_ones() -> None:
    with pytest.raises(BadSetting, match="tpu is not one of auto, cuda, mps, cpu"):
        resolve_device("tpu", ["cpu"])


def test_every_machine_has_a_cpu_and_only_known_devices() -> None:
    found = devices_here()
    assert found[-1] == "cpu"
    assert set(found) < set(DEVICES)


def test_choosing_a_driver_does_not_import_torch() -> None:
    code = (
        "import sys\n"
        "from shared.compute.device import resolve_device\n"
        "from shared.compute.diffusers_images import DiffusersImages\n"
        "DiffusersImages('a/b', resolve_device('cpu'), 1)\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
