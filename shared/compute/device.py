"""Which device a compute driver runs on. Importing this module does not import torch."""

from collections.abc import Sequence

from shared.domain.errors import BadSetting

DEVICES = ("auto", "cuda", "mps", "cpu")
"""The values of `CHANGEOVER_DEVICE`."""

_TITLES = {"cuda": "CUDA", "mps": "Metal (MPS)", "cpu": "CPU"}


def devices_here() -> list[str]:
    """The devices torch sees on this machine, fastest first; `cpu` is always the last."""
    import torch

    found = ["cpu"]
    if torch.backends.mps.is_available():
        found.insert(0, "mps")
    if torch.cuda.is_available():
        found.insert(0, "cuda")
    return found


def resolve_device(requested: str, available: Sequence[str] | None = None) -> str:
    """Return the device to use for a setting of `auto`, `cuda`, `mps` or `cpu`.

    `auto` takes the fastest of `available`, which is `devices_here()` unless given. Raises
    `BadSetting` for a device that is absent: falling back in silence would hide a slow worker.
    """
    if requested not in DEVICES:
        raise BadSetting(f"CHANGEOVER_DEVICE={requested} is not one of {', '.join(DEVICES)}")
    if requested == "cpu":
        return requested
    found = devices_here() if available is None else available
    if requested == "auto":
        return found[0]
    if requested not in found:
        raise BadSetting(
            f"CHANGEOVER_DEVICE={requested} but torch sees no {_TITLES[requested]} device; "
            "use auto or cpu"
        )
    return requested
