"""Effects: what the outside world sees."""

from typing import Protocol


class Effects(Protocol):
    """Sends effects to the outside world, which counts them."""

    def apply(self, effect: str, *, job_id: str, key: str, amount: int | None = None) -> None:
        """Have the world apply `effect` once per `key`; `EffectFailed` if it did not confirm."""
        ...
