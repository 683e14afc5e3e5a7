"""The untrained components of the tiny model: tokenizer, text encoder, VAE, U-Net, scheduler."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, EulerDiscreteScheduler, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from tools.training.shapes import SIZE, words

PROMPT_TOKENS = 16
"""Length of a padded prompt, start and end token included."""

TEXT_WIDTH = 64
LATENT_CHANNELS = 4
LATENT_SIZE = SIZE // 8
_LOG_VARIANCE = -6.0
_BOS, _EOS = "<|startoftext|>", "<|endoftext|>"
_END_OF_WORD = "</w>"


def _byte_symbols() -> list[str]:
    """The 256 printable stand-ins for bytes of byte-level BPE, as in GPT-2 and CLIP."""
    printable = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = range(256 - len(printable))
    return [chr(code) for code in printable] + [chr(256 + n) for n in others]


def _merges(vocabulary: list[str]) -> list[tuple[str, str]]:
    """Byte-pair merges, most frequent pair first, until each word is a single token."""
    pieces = [[*word[:-1], word[-1] + _END_OF_WORD] for word in vocabulary]
    merges: list[tuple[str, str]] = []
    while any(len(word) > 1 for word in pieces):
        counts: dict[tuple[str, str], int] = {}
        for word in pieces:
            for pair in pairwise(word):
                counts[pair] = counts.get(pair, 0) + 1
        best = max(counts, key=lambda pair: (counts[pair], pair))
        merges.append(best)
        for word in pieces:
            at = 0
            while at < len(word) - 1:
                if (word[at], word[at + 1]) == best:
                    word[at : at + 2] = [word[at] + word[at + 1]]
                at += 1
    return merges


def make_tokenizer(folder: Path) -> CLIPTokenizer:
    """A CLIP tokenizer to which each word of the data set is one token.

    Writes `vocab.json` and `merges.txt` to `folder`. Unknown words fall back to bytes.
    """
    merges = _merges(words())
    symbols = _byte_symbols()
    tokens = [*symbols, *(symbol + _END_OF_WORD for symbol in symbols)]
    tokens += dict.fromkeys(left + right for left, right in merges)
    tokens += [_BOS, _EOS]
    folder.mkdir(parents=True, exist_ok=True)
    vocab = folder / "vocab.json"
    vocab.write_text(json.dumps({token: n for n, token in enumerate(tokens)}), encoding="utf-8")
    lines = ["#version: 0.2", *(f"{left} {right}" for left, right in merges)]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    tokenizer: CLIPTokenizer = CLIPTokenizer.from_pretrained(
        str(folder), model_max_length=PROMPT_TOKENS, local_files_only=True
    )
    return tokenizer


def make_text_encoder(tokenizer: Any) -> CLIPTextModel:
    """Two CLIP text layers of width 64."""
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=TEXT_WIDTH,
            intermediate_size=4 * TEXT_WIDTH,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=PROMPT_TOKENS,
            projection_dim=TEXT_WIDTH,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


def make_vae() -> Any:
    """An autoencoder from 64 x 64 pixels to 8 x 8 x 4 latents, 0.6 M parameters.

    Two choices make it learn colours in few steps. Normalisation has two groups, because many
    small ones take out just what tells flat colours apart. And its posterior starts narrow:
    from the usual unit width, the decoder first learns to ignore the latents.
    """
    vae = AutoencoderKL(
        block_out_channels=(16, 32, 48, 48),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        latent_channels=LATENT_CHANNELS,
        norm_num_groups=2,
        sample_size=SIZE,
    )
    with torch.no_grad():
        vae.quant_conv.bias[LATENT_CHANNELS:] = _LOG_VARIANCE
    return vae


def make_unet() -> Any:
    """The noise predictor on 8 x 8 latents, cross-attending to the prompt, 2.8 M parameters."""
    return UNet2DConditionModel(
        sample_size=LATENT_SIZE,
        block_out_channels=(64, 96),
        down_block_types=("CrossAttnDownBlock2D",) * 2,
        up_block_types=("CrossAttnUpBlock2D",) * 2,
        layers_per_block=1,
        cross_attention_dim=TEXT_WIDTH,
        attention_head_dim=4,
        norm_num_groups=8,
    )


def make_scheduler() -> Any:
    """Stable Diffusion's noise schedule, sampled with Euler steps."""
    return EulerDiscreteScheduler(
        beta_schedule="scaled_linear",
        beta_start=0.00085,
        beta_end=0.012,
        timestep_spacing="trailing",
        steps_offset=1,
    )
