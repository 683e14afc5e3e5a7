"""The servers of a run: embedded ones for whatever the environment does not name."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.arms.addresses import Backends, configured
from bench.arms.engines import BROKER_VARIABLE, ENGINES, broker_of
from bench.arms.services import (
    start_effect_sink,
    start_rabbitmq,
    start_redis,
    start_temporal,
    temporal_binary,
)
from bench.arms.supervisor import Managed, Supervisor
from bench.arms.topology import Arm
from bench.errors import NotFit
from shared.domain.durability import Durability

_NAMESPACE_LIMIT_S = 20.0
_TEMPORAL_UI = "CHANGEOVER_TEMPORAL_UI_URL"


@dataclass(frozen=True, slots=True)
class _Server:
    address: str
    managed: Managed
    ui_urls: Mapping[str, str] = field(default_factory=dict)


async def _redis(
    supervisor: Supervisor, folder: Path, _: Sequence[str], arm: str, durability: Durability
) -> _Server:
    redis = await start_redis(supervisor, folder, arm, durability)
    return _Server(redis.url, redis.managed)


async def _temporal(
    supervisor: Supervisor,
    folder: Path,
    namespaces: Sequence[str],
    arm: str,
    durability: Durability,
) -> _Server:
    temporal = await start_temporal(supervisor, folder, namespaces, arm=arm, durability=durability)
    return _Server(temporal.address, temporal.managed, {_TEMPORAL_UI: temporal.ui_url})


_START = {"celery": _redis, "temporal": _temporal}
"""How an engine's server is started, by engine."""


async def start_backends(
    supervisor: Supervisor,
    folder: Path,
    engines: Sequence[str],
    namespaces: Sequence[str],
    *,
    own_sink: bool = False,
    broker: str = "",
    durability: Durability = Durability.PROCESS,
) -> Backends:
    """Start what `engines` need and no `CHANGEOVER_` variable points to already.

    `broker` is what carries messages beside the engines' own servers, empty if nothing does.

    With `own_sink` the effects go to an embedded sink in any case: a bench that counts effects
    must own the world that applies them.
    """
    addresses: dict[str, str] = {}
    ui_urls = {_TEMPORAL_UI: url} if (url := configured(_TEMPORAL_UI)) else {}
    for engine in engines:
        address = configured(ENGINES[engine].address_variable)
        if address is None:
            server = await _START[engine](supervisor, folder / engine, namespaces, "", durability)
            address, ui_urls = server.address, {**ui_urls, **server.ui_urls}
        elif engine == "temporal":
            for namespace in namespaces:
                await _ensure_namespace(address, namespace)
        addresses[engine] = address
    effects_url = None if own_sink else configured("CHANGEOVER_EFFECTS_URL")
    if effects_url is None:
        sink = await start_effect_sink(supervisor, folder / "effects", durability=durability)
        effects_url = sink.url
    broker_url = ""
    if broker:
        broker_url = configured(BROKER_VARIABLE) or (
            (await start_rabbitmq(supervisor, folder / broker)).url
        )
    return Backends(effects_url, addresses, ui_urls, durability, broker=broker_url)


async def start_own_server(
    supervisor: Supervisor, folder: Path, shared: Backends, arm: Arm, namespace: str
) -> Backends:
    """Start a server for one arm alone, so that striking it strikes no other.

    `NotFit` if the environment names a server: a server of the user's is never struck.
    """
    broker = broker_of(arm.engine, arm.profile)
    for variable in (ENGINES[arm.engine].address_variable, *([BROKER_VARIABLE] if broker else [])):
        if configured(variable):
            raise NotFit(
                f"this scenario strikes servers, and {variable} names one of yours; unset it, and"
                " the run starts its own"
            )
    server = await _START[arm.engine](supervisor, folder, [namespace], arm.name, shared.durability)
    own = replace(
        shared,
        addresses={arm.engine: server.address},
        ui_urls=server.ui_urls,
        server=server.managed,
        broker="",
    )
    if not broker:
        return own
    rabbitmq = await start_rabbitmq(supervisor, folder / broker, arm.name)
    return replace(own, server=rabbitmq.managed, beside=server.managed, broker=rabbitmq.url)


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
