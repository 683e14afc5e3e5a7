"""The servers of a run: embedded ones for whatever the environment does not name."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.arms.addresses import Backends, configured
from bench.arms.engines import BROKER_VARIABLE, ENGINES, broker_of
from bench.arms.named_temporal import NamedTemporal, named_temporal
from bench.arms.services import (
    start_effect_sink,
    start_rabbitmq,
    start_redis,
    start_temporal,
)
from bench.arms.supervisor import Managed, Supervisor
from bench.arms.topology import Arm
from bench.errors import NotFit
from shared.domain.durability import Durability

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
    any_namespace: bool = False,
) -> Backends:
    """Start what `engines` need and the environment does not name already.

    With `any_namespace` the one that it names for Temporal will do, in place of `namespaces`, which
    are created there otherwise.

    `broker` is what carries messages beside the engines' own servers, empty if nothing does.

    With `own_sink` the effects go to an embedded sink in any case: a bench that counts effects
    must own the world that applies them.
    """
    addresses: dict[str, str] = {}
    ui_urls = {_TEMPORAL_UI: url} if (url := configured(_TEMPORAL_UI)) else {}
    temporal: NamedTemporal | None = None
    for engine in engines:
        if engine == "temporal":
            temporal = await asyncio.to_thread(
                named_temporal,
                () if any_namespace else namespaces,
                own_namespace=namespaces[0] if any_namespace else "",
            )
            address = temporal.address if temporal else None
        else:
            address = configured(ENGINES[engine].address_variable)
        if address is None:
            server = await _START[engine](supervisor, folder / engine, namespaces, "", durability)
            address, ui_urls = server.address, {**ui_urls, **server.ui_urls}
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
    return Backends(
        effects_url, addresses, ui_urls, durability, broker=broker_url, temporal=temporal
    )


async def start_own_server(
    supervisor: Supervisor, folder: Path, shared: Backends, arm: Arm, namespace: str
) -> Backends:
    """Start a server for one arm alone, so that striking it strikes no other.

    `NotFit` if the environment names a server: a server of the user's is never struck.
    """
    broker = broker_of(arm.engine, arm.profile)
    if arm.engine == "temporal":
        named = await asyncio.to_thread(named_temporal)
        theirs = [named.named_by] if named else []
    else:
        theirs = [ENGINES[arm.engine].address_variable, *([BROKER_VARIABLE] if broker else [])]
    for variable in theirs:
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
