"""Keeps a few of the pictures that a run made, for its report."""

import asyncio
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx

from bench.arms.topology import Stack
from bench.load.plan import ANSWER_LIMIT_S

_PER_ARM = 6


@dataclass(frozen=True, slots=True)
class Picture:
    """One kept picture; `file` is relative to the folder `images/`."""

    arm: str
    job_id: str
    name: str
    prompt: str
    seed: int
    file: str
    killed: bool
    """Whether a worker was killed while it made this job's pictures."""


async def keep_pictures(
    stack: Stack, requests: dict[str, dict[str, Any]], struck: set[str], folder: Path
) -> list[Picture]:
    """Fetch the first picture of some succeeded jobs, those whose worker was killed first.

    `requests` are the submitted bodies by job id, in order of arrival: the same order on every
    arm, so that the same prompts and seeds are kept.
    """
    chosen = [job for job in requests if job in struck] + [
        job for job in requests if job not in struck
    ]
    kept: list[Picture] = []
    async with httpx.AsyncClient(base_url=stack.url, timeout=ANSWER_LIMIT_S) as client:
        for job_id in chosen:
            if len(kept) == _PER_ARM:
                break
            data = await _fetch(client, f"/v1/jobs/{job_id}/artifacts/image-0.png")
            if data is None:
                continue
            file = f"{stack.arm.slug}/{job_id}-0.png"
            await asyncio.to_thread(_write, folder / file, data)
            body = requests[job_id]
            kept.append(
                Picture(
                    arm=stack.arm.name,
                    job_id=job_id,
                    name="image-0.png",
                    prompt=body["prompt"],
                    seed=body["seed"],
                    file=file,
                    killed=job_id in struck,
                )
            )
    return kept


def write_index(folder: Path, pictures: list[Picture]) -> None:
    """Write `index.json`, which says what each picture shows."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "index.json").write_text(json.dumps([asdict(picture) for picture in pictures]))


async def _fetch(client: httpx.AsyncClient, path: str) -> bytes | None:
    try:
        answer = await client.get(path)
    except httpx.HTTPError:
        return None
    return answer.content if answer.status_code == 200 else None


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
