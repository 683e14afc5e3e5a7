"""Connects to Temporal; every wait is bounded."""

import asyncio
import logging
import time
from datetime import timedelta

from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.service import KeepAliveConfig, RetryConfig, RPCError

from shared.domain.errors import EngineUnavailable
from shared.settings import Settings
from temporal_impl.connection import Connection, connection
from temporal_impl.profile import TemporalProfile
from temporal_impl.refusals import explain, is_final

CALL_S = 1.5
"""How long one call of the facade may take, with its retries, in seconds."""

_PATIENCE = RetryConfig(max_elapsed_time_millis=int(CALL_S * 1000))
_WORKER_CONNECT_S = 60.0
_CONNECT_LIMIT_S = 5.0
_CONNECT_PAUSE_S = 1.0
_SETTLE_S = 0.1

_log = logging.getLogger(__name__)


async def connect_for_facade(to: Connection, profile: TemporalProfile | None = None) -> Client:
    """Return a client that connects on its first call, so that the facade starts without one."""
    return await Client.connect(
        **to.options,
        identity="changeover-facade",
        lazy=True,
        connect_timeout=timedelta(seconds=CALL_S),
        retry_config=_PATIENCE,
        keep_alive_config=_keep_alive(profile),
    )


async def connect_for_worker(settings: Settings, profile: TemporalProfile) -> Client:
    """Return a connected client; tries for a minute, then raises `EngineUnavailable`.

    At once where the server does not accept the certificate or the key.
    """
    to = connection(settings)
    give_up_at = time.monotonic() + _WORKER_CONNECT_S
    while True:
        try:
            client = await _connect_now(to, settings.worker_name, RetryConfig(), profile)
            await _find_namespace(client)
            return client
        except (RPCError, RuntimeError, TimeoutError) as error:
            trouble = explain(error, to)
            if is_final(error):
                raise EngineUnavailable(trouble) from error
        if time.monotonic() > give_up_at:
            raise EngineUnavailable(trouble)
        _log.warning("%s; trying again", trouble)
        await asyncio.sleep(_CONNECT_PAUSE_S)


async def connect_once(to: Connection, *, into_namespace: bool = True) -> Client:
    """Return a connected client, whose namespace is there; else the SDK's error.

    `RuntimeError` where there is no connection, `RPCError` where the server answers something else.
    """
    client = await _connect_now(to, "changeover", _PATIENCE)
    if into_namespace:
        await _find_namespace(client)
    return client


async def _connect_now(
    to: Connection, identity: str, retries: RetryConfig, profile: TemporalProfile | None = None
) -> Client:
    return await Client.connect(
        **to.options,
        identity=identity,
        # A worker's reports do not follow it: the SDK's core has its own retries for them, of 10 s
        # (crates/sdk-core/src/lib.rs, init_worker).
        retry_config=retries,
        keep_alive_config=_keep_alive(profile),
        connect_timeout=timedelta(seconds=_CONNECT_LIMIT_S),
    )


async def _find_namespace(client: Client) -> None:
    await client.workflow_service.describe_namespace(
        DescribeNamespaceRequest(namespace=client.namespace),
        timeout=timedelta(seconds=_CONNECT_LIMIT_S),
    )


async def settle() -> None:
    """Let the SDK's threads come to rest; await it last, before the event loop ends.

    They let go of Python objects a moment after a call has returned, and an interpreter that ends
    within that moment aborts (PyGILState_Release) or hangs.
    """
    await asyncio.sleep(_SETTLE_S)


def _keep_alive(profile: TemporalProfile | None) -> KeepAliveConfig:
    """Return when a connection from which nothing comes back is given up."""
    if profile is None or profile.keep_alive_interval_s is None:
        return KeepAliveConfig.default
    assert profile.keep_alive_timeout_s is not None
    return KeepAliveConfig(
        interval_millis=int(profile.keep_alive_interval_s * 1000),
        timeout_millis=int(profile.keep_alive_timeout_s * 1000),
    )
