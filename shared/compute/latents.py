"""The saved state of a half-finished picture: its latents, and which picture they belong to.

The bytes are a safetensors file with one float32 tensor. Its metadata names the picture, so
that latents of another picture, size or number of steps are never taken for this one's.
"""

import hashlib
import json
from typing import Any

from shared.ports.image_generator import ImageSpec, Resume

_TENSOR = "latents"
_ABOUT = "changeover"


def picture_key(spec: ImageSpec, model: str, scheduler: str, guidance: float | None) -> str:
    """A digest of all that decides what the latents after each step are."""
    size = (spec.width, spec.height)
    parts = [spec.prompt, spec.seed, spec.steps, size, model, scheduler, guidance]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def save_latents(latents: Any, *, done: int, total: int, scheduler: str, key: str) -> bytes:
    """Serialise the latents after step `done` of `total`; float16 fits float32 without loss."""
    import torch
    from safetensors.torch import save

    tensor = latents.detach().to("cpu", torch.float32).contiguous()
    about = {"done": done, "total": total, "scheduler": scheduler, "key": key}
    # One entry: safetensors writes several in random order, and equal states should be equal.
    data: bytes = save({_TENSOR: tensor}, metadata={_ABOUT: json.dumps(about)})
    return data


def restore_latents(resume: Resume, key: str, shape: tuple[int, ...]) -> Any | None:
    """Return the float32 latents of `resume`, or None if they cannot be gone on from.

    That is so if the bytes are damaged, or are of another picture (`key`), step or shape.
    """
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        tensor = load(resume.state)[_TENSOR]
        about = _about(resume.state)
    except (SafetensorError, KeyError, ValueError):
        return None
    ours = about.get("key") == key and about.get("done") == resume.done
    sound = tensor.dtype == torch.float32 and bool(torch.isfinite(tensor).all())
    return tensor if ours and sound and tuple(tensor.shape) == shape else None


def _about(data: bytes) -> dict[str, Any]:
    """Our metadata; a safetensors file starts with eight bytes of header length, then JSON."""
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    about: dict[str, Any] = json.loads(header["__metadata__"][_ABOUT])
    return about
