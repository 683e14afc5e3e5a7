"""Loads a text-to-image pipeline from a folder or from the Hugging Face hub, quietly."""

import json
import re
from pathlib import Path
from typing import Any

from shared.domain.errors import BadSetting

_INDEX = "model_index.json"
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


def import_libraries() -> None:
    """Import torch, transformers and diffusers, which takes seconds, and quieten their logs.

    A process that forks workers may call this first, so that the workers need not: nothing
    here starts threads or touches an accelerator.
    """
    import diffusers.utils.logging as diffusers_log
    import transformers.utils.logging as transformers_log

    # Before the pipelines are imported: transformers warns about optional packages then.
    for log in (diffusers_log, transformers_log):
        log.set_verbosity_error()
        log.disable_progress_bar()
    from diffusers import DiffusionPipeline, StableDiffusionPipeline  # noqa: F401


def load_pipeline(model: str, device: str) -> Any:
    """Return the diffusers pipeline of `model`, a folder or a hub id, on `device`.

    Weights are float16 on CUDA and float32 elsewhere, where half precision is slow or inexact.
    A folder never leads to network access. Raises `BadSetting` if the model is not there, or
    lacks files.
    """
    import_libraries()
    import torch
    from diffusers import DiffusionPipeline

    folder = Path(model).expanduser()
    is_folder = folder.is_dir()
    if is_folder:
        _check_folder(folder)
    elif not _HUB_ID.fullmatch(model):
        raise BadSetting(f"CHANGEOVER_IMAGE_MODEL={model} is neither a folder nor a hub id")
    try:
        pipe: Any = DiffusionPipeline.from_pretrained(
            str(folder) if is_folder else model,
            dtype=torch.float16 if device == "cuda" else torch.float32,
            local_files_only=is_folder,
        )
    except (OSError, ValueError, RuntimeError) as error:
        reason = str(error).strip().split("\n")[0]
        raise BadSetting(f"CHANGEOVER_IMAGE_MODEL={model} cannot be loaded: {reason}") from error
    pipe.set_progress_bar_config(disable=True)
    return pipe.to(device)


def _check_folder(folder: Path) -> None:
    """Name what a model folder lacks; the libraries' own errors point to the hub instead."""
    index = folder / _INDEX
    if not index.is_file():
        raise BadSetting(f"the model folder {folder} has no {_INDEX}")
    try:
        entries: dict[str, Any] = json.loads(index.read_text(encoding="utf-8"))
    except ValueError as error:
        raise BadSetting(f"{index} is not JSON: {error}") from None
    for name, entry in entries.items():
        if not isinstance(entry, list) or entry[0] is None:
            continue
        part = folder / name
        if not any(part.glob("*.json")):
            raise BadSetting(f"the model folder {folder} lacks {name}/, which {_INDEX} names")
        has_weights = any(part.glob("*.safetensors")) or any(part.glob("*.bin"))
        if (part / "config.json").is_file() and not has_weights:
            raise BadSetting(f"the model folder {folder} has no weights in {name}/")
