"""The servers of a run: embedded ones for whatever the environment does not name."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bench.arms.addresses import Backends, configured
from bench.arms.services import start_effect_sink, start_redis, start_temporal, temporal_binary
from bench.arms.supervisor import Supervisor
from bench.errors import NotFit

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


async def start_own_server(
    supervisor: Supervisor, folder: Path, shared: Backends, engine: str, namespace: str, arm: str
) -> Backends:
    """Start a server for one arm alone, so that striking it strikes no other.

    `NotFit` if the environment names a server: what is yours is not struck.
    """
    variable = {"celery": "CHANGEOVER_REDIS_URL", "temporal": "CHANGEOVER_TEMPORAL_ADDRESS"}[engine]
    if configured(variable):
        raise NotFit(
            f"this scenario strikes servers, and {variable} names one of yours; unset it, and the"
            " run starts its own"
        )
    if engine == "celery":
        redis = await start_redis(supervisor, folder, arm)
        return replace(shared, redis_url=redis.url, server=redis.managed)
    temporal = await start_temporal(supervisor, folder, [namespace], arm=arm)
    return replace(
        shared,
        temporal_address=temporal.address,
        temporal_ui_url=temporal.ui_url,
        server=temporal.managed,
    )


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
