"""The drawn pictures and their tokenised prompts, in memory, ready to batch."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from tools.training.parts import PROMPT_TOKENS
from tools.training.shapes import samples


@dataclass(frozen=True, slots=True)
class ShapeData:
    """`pictures`: uint8, (n, 3, 64, 64). `tokens`: int64, (n, 16). `empty`: the empty prompt."""

    pictures: torch.Tensor
    tokens: torch.Tensor
    empty: torch.Tensor

    def pixels(self, picked: torch.Tensor) -> torch.Tensor:
        """The picked pictures as float32 in [-1, 1]."""
        return self.pictures[picked].float() / 127.5 - 1.0


def load_data(count: int, seed: int, tokenizer: Any) -> ShapeData:
    """Draw `count` pictures and tokenise their prompts."""

    def ids(prompts: list[str]) -> torch.Tensor:
        encoded = tokenizer(
            prompts, padding="max_length", max_length=PROMPT_TOKENS, truncation=True
        )
        return torch.tensor(encoded["input_ids"])

    drawn = list(samples(count, seed))
    pixels = np.stack([np.asarray(picture) for picture, _ in drawn])
    return ShapeData(
        pictures=torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous(),
        tokens=ids([scene.prompt for _, scene in drawn]),
        empty=ids([""])[0],
    )
