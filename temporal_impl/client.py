"""Connects to Temporal: TLS, API key and namespace from the settings; every wait is bounded."""

import asyncio
import logging
import time
from datetime import timedelta

from temporalio.api.errordetails.v1 import NamespaceNotFoundFailure
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.service import RetryConfig, RPCError

from shared.domain.errors import EngineUnavailable
from shared.settings import Settings
from temporal_impl.profile import TemporalProfile

CALL_S = 1.5
"""How long one call of the facade may take, with its retries, in seconds."""

_WORKER_CONNECT_S = 60.0
_CONNECT_PAUSE_S = 1.0
_SETTLE_S = 0.1

_log = logging.getLogger(__name__)


async def connect_for_facade(settings: Settings) -> Client:
    """Return a client that connects on its first call, so that the facade starts without one."""
    return await Client.connect(
        settings.temporal_address,
        namespace=settings.namespace,
        tls=settings.temporal_tls or None,
        api_key=settings.temporal_api_key,
        identity="changeover-facade",
        lazy=True,
        connect_timeout=timedelta(seconds=CALL_S),
        retry_config=RetryConfig(max_elapsed_time_millis=int(CALL_S * 1000)),
    )


async def connect_for_worker(settings: Settings, profile: TemporalProfile) -> Client:
    """Return a connected client; tries for a minute, then raises `EngineUnavailable`."""
    give_up_at = time.monotonic() + _WORKER_CONNECT_S
    while True:
        try:
            return await _connect_now(settings, profile)
        except (RPCError, RuntimeError, TimeoutError) as error:
            trouble = explain(error, settings)
        if time.monotonic() > give_up_at:
            raise EngineUnavailable(trouble)
        _log.warning("%s; trying again", trouble)
        await asyncio.sleep(_CONNECT_PAUSE_S)


async def _connect_now(settings: Settings, profile: TemporalProfile) -> Client:
    client = await Client.connect(
        settings.temporal_address,
        namespace=settings.namespace,
        tls=settings.temporal_tls or None,
        api_key=settings.temporal_api_key,
        identity=settings.worker_name,
        retry_config=worker_retries(profile),
        connect_timeout=timedelta(seconds=5),
    )
    await client.workflow_service.describe_namespace(
        DescribeNamespaceRequest(namespace=settings.namespace), timeout=timedelta(seconds=5)
    )
    return client


async def settle() -> None:
    """Let the SDK's threads come to rest; await it last, before the event loop ends.

    They let go of Python objects a moment after a call has returned, and an interpreter that ends
    within that moment aborts (PyGILState_Release) or hangs.
    """
    await asyncio.sleep(_SETTLE_S)


def worker_retries(profile: TemporalProfile) -> RetryConfig:
    """Return how long a worker's calls are retried, the report of a finished step among them."""
    retries = RetryConfig()
    if profile.rpc_retry_elapsed_s is not None:
        retries.max_elapsed_time_millis = int(profile.rpc_retry_elapsed_s * 1000)
    if profile.rpc_retries is not None:
        retries.max_retries = profile.rpc_retries
    return retries


def explain(error: Exception, settings: Settings) -> str:
    """Return what went wrong and the remedy, in one line."""
    if isinstance(error, RPCError) and namespace_is_missing(error):
        return (
            f"Temporal at {settings.temporal_address} has no namespace {settings.namespace!r}; "
            f"create it with `temporal operator namespace create -n {settings.namespace}`"
        )
    return (
        f"no answer from Temporal at {settings.temporal_address} "
        f"({str(error) or 'timed out'}); start a server there "
        "or set CHANGEOVER_TEMPORAL_ADDRESS"
    )


def namespace_is_missing(error: RPCError) -> bool:
    """Whether the server knows no such namespace; plain NOT_FOUND is about a job."""
    return any(
        detail.Is(NamespaceNotFoundFailure.DESCRIPTOR) for detail in error.grpc_status.details
    )
