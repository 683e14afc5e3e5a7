"""Diffusion schedulers that can start in the middle of their schedule.

A scheduler made here keeps its full schedule and skips the first steps of it, so every number
it computes with is the one the uninterrupted run used; the resumed picture is equal to the bit.
A schedule rebuilt from the remaining timesteps or sigmas is only nearly so.

Only schedulers whose step depends on nothing but the latents and the step's place in the
schedule can resume like this. Multistep ones keep earlier outputs, ancestral ones draw noise.
"""

from typing import Any


def make_resumable(scheduler: Any) -> Any | None:
    """Return a scheduler like `scheduler` with an attribute `first`, or None if none is known.

    `first` is the number of steps to skip when `set_timesteps` is next called, 0 at the start.
    The initial latents are not scaled if it is above 0: they are taken as saved.
    """
    from diffusers import DDIMScheduler, EulerDiscreteScheduler

    class ResumableEuler(EulerDiscreteScheduler):  # type: ignore[misc]
        first = 0
        timesteps: Any

        def set_timesteps(self, *args: Any, **kwargs: Any) -> None:
            super().set_timesteps(*args, **kwargs)
            if self.first:
                self.timesteps = self.timesteps[self.first :]
                self.set_begin_index(0)

        def set_begin_index(self, begin_index: int = 0) -> None:
            # Some pipelines set 0 themselves, meaning the first of the timesteps they were given.
            super().set_begin_index(begin_index + self.first)

        @property
        def init_noise_sigma(self) -> Any:
            return 1.0 if self.first else super().init_noise_sigma

    class ResumableDDIM(DDIMScheduler):  # type: ignore[misc]
        first = 0
        timesteps: Any

        def set_timesteps(self, *args: Any, **kwargs: Any) -> None:
            super().set_timesteps(*args, **kwargs)
            self.timesteps = self.timesteps[self.first :]

    # Exact classes: a subclass may step in another way.
    if type(scheduler) is EulerDiscreteScheduler:
        return ResumableEuler.from_config(scheduler.config)
    if type(scheduler) is DDIMScheduler:
        return ResumableDDIM.from_config(scheduler.config)
    return None
