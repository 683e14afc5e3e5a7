"""A resumable training run: optimiser, learning rate, moving average, checkpoints."""

import math
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from diffusers import StableDiffusionPipeline

_WARMUP = 100
_EMA = 0.995
_SAVE_EVERY = 100
_LOG_EVERY = 50


class Run:
    """Trains named modules stage by stage; a stage that a checkpoint says is done is skipped."""

    def __init__(self, modules: dict[str, Any], checkpoint: Path, seed: int) -> None:
        self.modules = modules
        self._checkpoint = checkpoint
        self._seed = seed

    def fit(
        self,
        stage: str,
        trained: list[Any],
        loss_of: Callable[[torch.Generator], torch.Tensor],
        *,
        steps: int,
        peak: float,
    ) -> None:
        """Minimise `loss_of` for `steps` with AdamW; the modules end as their moving average."""
        net = torch.nn.ModuleList(trained).train()
        average = [weight.detach().clone() for weight in net.parameters()]
        optimiser = torch.optim.AdamW(net.parameters(), lr=peak, weight_decay=1e-4)
        generator = torch.Generator().manual_seed(self._seed)
        path = self._checkpoint / f"{stage}.pt"
        first = 0
        if path.exists():
            saved = torch.load(path, weights_only=True)
            net.load_state_dict(saved["net"])
            optimiser.load_state_dict(saved["optimiser"])
            generator.set_state(saved["generator"])
            average, first = saved["average"], saved["step"]
            print(f"{stage}: resumed after step {first}", flush=True)
        recent, since = 0.0, time.monotonic()
        for step in range(first, steps):
            for group in optimiser.param_groups:
                group["lr"] = peak * _one_cycle(step, steps)
            loss = loss_of(generator)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimiser.step()
            with torch.no_grad():
                keep = min(_EMA, (1 + step) / (10 + step))
                torch._foreach_lerp_(average, list(net.parameters()), 1 - keep)
            recent += loss.item() / _LOG_EVERY
            done = step + 1
            if done % _LOG_EVERY == 0:
                spent = time.monotonic() - since
                print(f"{stage} {done}/{steps}: loss {recent:.4f}, {spent:.0f} s", flush=True)
                recent, since = 0.0, time.monotonic()
            if done % _SAVE_EVERY == 0 or done == steps:
                state = {
                    "net": net.state_dict(),
                    "optimiser": optimiser.state_dict(),
                    "generator": generator.get_state(),
                    "average": average,
                    "step": done,
                }
                partial = path.with_suffix(".partial")
                torch.save(state, partial)
                partial.replace(path)
        with torch.no_grad():
            for weight, mean in zip(net.parameters(), average, strict=True):
                weight.copy_(mean)
        net.eval()


def _one_cycle(step: int, steps: int) -> float:
    """The share of the peak learning rate: a short linear rise, then a cosine to zero."""
    rise = min(_WARMUP, max(1, steps // 10))
    if step < rise:
        return (step + 1) / rise
    return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))


def save_folder(out: Path, tokenizer: Any, scheduler: Any, modules: dict[str, Any]) -> None:
    """Write the components to `out` as a Stable Diffusion folder with float16 safetensors."""
    pipe = StableDiffusionPipeline(
        vae=modules["vae"],
        text_encoder=modules["text_encoder"],
        tokenizer=tokenizer,
        unet=modules["unet"],
        scheduler=scheduler,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    partial = out.with_name(out.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    pipe.to(dtype=torch.float16).save_pretrained(partial, safe_serialization=True)
    out.mkdir(parents=True, exist_ok=True)
    shutil.copytree(partial, out, dirs_exist_ok=True)
    shutil.rmtree(partial)
