"""Where a run keeps what it makes: `results/<run-id>/`."""

import secrets
from datetime import UTC, datetime
from pathlib import Path

DEFAULT_RESULTS = Path("results")


def new_run_folder(results: Path, verb: str) -> Path:
    """Create and return a fresh folder; two runs that start at once get different ones."""
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    folder = (results / f"{stamp}-{verb}-{secrets.token_hex(2)}").resolve()
    folder.mkdir(parents=True)
    return folder


def mark_latest(folder: Path) -> None:
    """Point `results/latest` at this run."""
    link = folder.parent / "latest"
    fresh = folder.parent / f".latest-{secrets.token_hex(4)}"
    fresh.symlink_to(folder.name)
    fresh.replace(link)
