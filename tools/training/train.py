"""Train the tiny text-to-image model from nothing and save it as a Stable Diffusion folder.

    python -m tools.training.train --out shared/compute/models/tiny-shapes

About 20 minutes on two idle CPU cores. First the autoencoder learns the pictures, then the
U-Net and the text encoder learn together to denoise the cached latents. A checkpoint in
`--checkpoint` is written every 100 steps and picked up by the next run. Everything is seeded;
the shipped model's card says how its run differed from the defaults. Weights are saved as float16.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch.nn import functional

from tools.training import parts
from tools.training.dataset import ShapeData, load_data
from tools.training.run import Run, save_folder

VAE_STEPS = 1500
UNET_STEPS = 1400
VAE_BATCH = 16
UNET_BATCH = 64
KL_WEIGHT = 1e-5
PICTURES = 12_288

T = TypeVar("T")


def train_vae(run: Run, data: ShapeData, steps: int) -> None:
    """Fit the autoencoder: L1 and L2 on pixels, and a light pull of the latents to a unit normal.

    L2 gets the colours right soon, L1 the edges sharp.
    """
    vae = run.modules["vae"]

    def loss_of(generator: torch.Generator) -> torch.Tensor:
        picked = torch.randint(0, len(data.pictures), (VAE_BATCH,), generator=generator)
        pixels = data.pixels(picked)
        posterior = vae.encode(pixels).latent_dist
        noise = torch.randn(posterior.mean.shape, generator=generator)
        rebuilt = vae.decode(posterior.mean + posterior.std * noise).sample
        loss = functional.l1_loss(rebuilt, pixels) + functional.mse_loss(rebuilt, pixels)
        return loss + KL_WEIGHT * posterior.kl().mean()  # type: ignore[no-any-return]

    run.fit("vae", [vae], loss_of, steps=steps, peak=2e-3)


@torch.no_grad()
def cache_latents(vae: Any, data: ShapeData) -> torch.Tensor:
    """Encode every picture and set the VAE's scaling factor so that latents have unit variance."""
    vae.eval()
    chunks = torch.split(torch.arange(len(data.pictures)), 64)
    latents = torch.cat([vae.encode(data.pixels(chunk)).latent_dist.mean for chunk in chunks])
    scale = 1.0 / float(latents.std())
    vae.register_to_config(scaling_factor=scale)
    return latents * scale


def train_unet(run: Run, data: ShapeData, latents: torch.Tensor, steps: int) -> None:
    """Fit U-Net and text encoder to predict the noise added to the latents.

    A tenth of the prompts are emptied, which classifier-free guidance needs at sampling time.
    """
    unet, text_encoder = run.modules["unet"], run.modules["text_encoder"]
    alphas = parts.make_scheduler().alphas_cumprod

    def loss_of(generator: torch.Generator) -> torch.Tensor:
        picked = torch.randint(0, len(latents), (UNET_BATCH,), generator=generator)
        clean, tokens = latents[picked], data.tokens[picked].clone()
        tokens[torch.rand(UNET_BATCH, generator=generator) < 0.1] = data.empty
        when = torch.randint(0, len(alphas), (UNET_BATCH,), generator=generator)
        signal = alphas[when].view(-1, 1, 1, 1)
        noise = torch.randn(clean.shape, generator=generator)
        noisy = signal.sqrt() * clean + (1 - signal).sqrt() * noise
        guess = unet(noisy, when, text_encoder(tokens).last_hidden_state).sample
        return functional.mse_loss(guess, noise)

    run.fit("unet", [unet, text_encoder], loss_of, steps=steps, peak=1e-3)


def train(out: Path, checkpoint: Path, vae_steps: int, unet_steps: int, seed: int) -> None:
    """Run both stages, or what the checkpoint says is left of them, and save to `out`."""
    torch.manual_seed(seed)
    tokenizer = parts.make_tokenizer(checkpoint / "tokenizer")
    modules: dict[str, Any] = {
        "vae": parts.make_vae(),
        "text_encoder": parts.make_text_encoder(tokenizer),
        "unet": parts.make_unet(),
    }
    run = Run(modules, checkpoint, seed)
    data = _timed("draw the data set", lambda: load_data(PICTURES, seed, tokenizer))
    train_vae(run, data, vae_steps)
    latents = _timed("cache the latents", lambda: cache_latents(modules["vae"], data))
    train_unet(run, data, latents, unet_steps)
    save_folder(out, tokenizer, parts.make_scheduler(), modules)


def _timed(what: str, work: Callable[[], T]) -> T:
    started = time.monotonic()
    result = work()
    print(f"{what}: {time.monotonic() - started:.0f} s", flush=True)
    return result


def main() -> None:
    """Parse the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, required=True, help="folder for the trained model")
    parser.add_argument("--checkpoint", type=Path, help="folder to resume from (OUT.checkpoint)")
    parser.add_argument("--vae-steps", type=int, default=VAE_STEPS)
    parser.add_argument("--unet-steps", type=int, default=UNET_STEPS)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    checkpoint = args.checkpoint or args.out.with_name(args.out.name + ".checkpoint")
    train(args.out, checkpoint, args.vae_steps, args.unet_steps, args.seed)


if __name__ == "__main__":
    main()
