"""Real text-to-image models: any diffusers pipeline, from a folder or the hub."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

from shared.compute.device import resolve_device
from shared.compute.latents import picture_key, restore_latents, save_latents
from shared.ports.image_generator import ImageSpec, Resume, StepCallback

TINY_SHAPES = "tiny-shapes"
TINY_SHAPES_GUIDANCE = 3.0
"""Classifier-free guidance of the tiny model; other models keep their pipeline's default."""


class DiffusersImages:
    """A diffusers pipeline on one device. torch is imported by `load`, not before.

    `model` is a folder or a hub id, `device` one of `auto`, `cuda`, `mps` and `cpu`, `threads`
    the CPU threads torch may use (None: torch's own choice). `guidance` overrides the strength
    of classifier-free guidance.
    """

    def __init__(
        self, model: str, device: str, threads: int | None, guidance: float | None = None
    ) -> None:
        self._model = model
        self._label = Path(model).name if Path(model).is_dir() else model
        self._device = device
        self._precision = ""
        self._threads = threads
        if guidance is None and self._label == TINY_SHAPES:
            guidance = TINY_SHAPES_GUIDANCE
        self._guidance = guidance
        self._pipe: Any = None
        self._synchronize: Callable[[], None] | None = None
        self._scheduler: Any = None
        self._scheduler_name = ""

    @property
    def name(self) -> str:
        """The model, and the device and number format once it is loaded."""
        return f"diffusers: {self._label} ({self._device}{self._precision})"

    @property
    def can_resume(self) -> bool:
        """True once a model is loaded whose scheduler resumes to the same picture."""
        return self._scheduler is not None

    def load(self) -> None:
        """Load the weights and take one step with them, so that the first picture is not slow.

        Raises `BadSetting` if the model or the device is not there.
        """
        # Late, because these take seconds, which no other driver should cost.
        import torch

        from shared.compute.model_source import load_pipeline
        from shared.compute.resumable import make_resumable

        if self._threads is not None:
            torch.set_num_threads(self._threads)
        self._device = resolve_device(self._device)
        if self._device != "cpu":
            self._synchronize = torch.accelerator.synchronize
        if self._device == "cuda":
            torch.backends.cudnn.deterministic = True
        pipe = load_pipeline(self._model, self._device)
        self._precision = f", {str(pipe.dtype).removeprefix('torch.')}"
        self._scheduler_name = type(pipe.scheduler).__name__
        # Transformer pipelines pack their latents in other ways; they start again from zero.
        if hasattr(pipe, "unet"):
            self._scheduler = make_resumable(pipe.scheduler)
            pipe.scheduler = self._scheduler or pipe.scheduler
        pipe("", num_inference_steps=1, **self._guidance_arguments())
        self._pipe = pipe

    def generate(
        self, spec: ImageSpec, on_step: StepCallback, resume: Resume | None = None
    ) -> bytes:
        """Return a PNG of `spec.width` x `spec.height` pixels.

        The noise is drawn on the CPU, so every device starts from the same. A `resume` that is
        damaged or of another picture is not used: the picture is made from the first step on.
        `on_step` may be called more than `spec.steps` times by schedulers that evaluate the
        model more often; its `total` says how many it will be.
        """
        if self._pipe is None:
            raise RuntimeError("load() has to be called before generate()")
        key = picture_key(spec, self._label, self._scheduler_name, self._guidance)
        first, start = self._start(spec, resume, key)

        def step_ended(pipe: Any, index: int, _: Any, tensors: dict[str, Any]) -> dict[str, Any]:
            if self._synchronize is not None:
                # An accelerator only queues a step: unless it is waited for, steps are reported,
                # and leases renewed, that it has not begun.
                self._synchronize()
            done, total = first + index + 1, first + pipe.num_timesteps
            latents = tensors["latents"]

            def save() -> bytes:
                return save_latents(
                    latents, done=done, total=total, scheduler=self._scheduler_name, key=key
                )

            on_step(done, total, save)
            return tensors

        image = self._pipe(
            spec.prompt,
            num_inference_steps=spec.steps,
            width=spec.width,
            height=spec.height,
            callback_on_step_end=step_ended,
            **self._guidance_arguments(),
            **start,
        ).images[0]
        out = io.BytesIO()
        image.save(out, format="PNG")
        return out.getvalue()

    def _start(
        self, spec: ImageSpec, resume: Resume | None, key: str
    ) -> tuple[int, dict[str, Any]]:
        """How many steps are done, and the pipeline's arguments that say where to start."""
        import torch

        pipe = self._pipe
        generator = torch.Generator("cpu").manual_seed(spec.seed)
        if not hasattr(pipe, "unet"):
            return 0, {"generator": generator}
        scale = pipe.vae_scale_factor
        shape = (1, pipe.unet.config.in_channels, spec.height // scale, spec.width // scale)
        first, latents = 0, None
        if self._scheduler is not None:
            if resume is not None:
                latents = restore_latents(resume, key, shape)
            first = 0 if resume is None or latents is None else resume.done
            self._scheduler.first = first
        if latents is None:
            # In float32 whatever the model's precision: other precisions draw other numbers.
            latents = torch.randn(shape, generator=generator)
        return first, {"latents": latents.to(pipe.dtype), "generator": generator}

    def _guidance_arguments(self) -> dict[str, float]:
        return {} if self._guidance is None else {"guidance_scale": self._guidance}
