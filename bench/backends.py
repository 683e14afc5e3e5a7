"""The servers of a run: embedded ones for whatever the environment does not name."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from bench.errors import NotFit
from bench.services import start_effect_sink, start_redis, start_temporal, temporal_binary
from bench.supervisor import Supervisor
from bench.topology import Backends, configured

_NAMESPACE_LIMIT_S = 20.0


async def start_backends(
    supervisor: Supervisor,
    folder: Path,
    engines: Sequence[str],
    namespaces: Sequence[str],
    *,
    own_sink: bool = False,
) -> Backends:
    """Start what `engines` need and no `CHANGEOVER_` variable points to already.

    With `own_sink` the effects go to an embedded sink in any case: a bench that counts effects
    must own the world that applies them.
    """
    redis_url = configured("CHANGEOVER_REDIS_URL")
    if "celery" in engines and redis_url is None:
        redis_url = (await start_redis(supervisor, folder / "redis")).url
    address = configured("CHANGEOVER_TEMPORAL_ADDRESS")
    ui_url = configured("CHANGEOVER_TEMPORAL_UI_URL")
    if "temporal" in engines:
        if address is None:
            server = await start_temporal(supervisor, folder / "temporal", namespaces)
            address, ui_url = server.address, server.ui_url
        else:
            for namespace in namespaces:
                await _ensure_namespace(address, namespace)
    effects_url = None if own_sink else configured("CHANGEOVER_EFFECTS_URL")
    if effects_url is None:
        effects_url = (await start_effect_sink(supervisor, folder / "effects")).url
    return Backends(redis_url, address, ui_url, effects_url)


async def _ensure_namespace(address: str, namespace: str) -> None:
    """Create a namespace on a server of yours, unless it is there; `NotFit` if that fails."""
    process = await asyncio.create_subprocess_exec(
        temporal_binary(),
        *("operator", "namespace", "create", "--namespace", namespace, "--address", address),
        *("--retention", "24h", "--command-timeout", f"{_NAMESPACE_LIMIT_S:g}s"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said = (await process.communicate())[0].decode(errors="replace").strip()
    if process.returncode and "already exists" not in said.lower():
        raise NotFit(
            f"no namespace {namespace!r} at {address} and none could be created: {said[-300:]}"
        )
