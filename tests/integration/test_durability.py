"""One choice of durability reaches every server that a run starts, and our own database."""

from pathlib import Path

import pytest
import redis

from bench.arms.services import start_effect_sink, start_redis, start_temporal
from bench.arms.supervisor import Supervisor
from shared.adapters.sql import connect
from shared.domain.durability import Durability

CHOICES = [(Durability.PROCESS, "everysec", 1), (Durability.POWER, "always", 2)]


@pytest.mark.parametrize(("durability", "appendfsync", "_"), CHOICES)
async def test_redis_syncs_its_log_as_chosen(
    tmp_path: Path, durability: Durability, appendfsync: str, _: int
) -> None:
    async with Supervisor(tmp_path / "logs") as supervisor:
        server = await start_redis(supervisor, tmp_path / "redis", durability=durability)
        with redis.Redis.from_url(server.url) as client:
            assert client.config_get("appendfsync") == {"appendfsync": appendfsync}


@pytest.mark.parametrize(("durability", "_", "synchronous"), CHOICES)
def test_our_database_syncs_as_chosen(
    tmp_path: Path, durability: Durability, _: str, synchronous: int
) -> None:
    database = connect(f"sqlite:///{tmp_path / 'one.db'}", durability)
    with database.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == synchronous


@pytest.mark.parametrize("durability", list(Durability))
async def test_temporal_and_the_effects_receiver_start_with_what_was_chosen(
    tmp_path: Path, durability: Durability
) -> None:
    async with Supervisor(tmp_path / "logs") as supervisor:
        server = await start_temporal(supervisor, tmp_path / "t", ["one"], durability=durability)
        assert f"synchronous={durability.sqlite_synchronous}" in server.managed.spec.argv
        sink = await start_effect_sink(supervisor, tmp_path / "e", durability=durability)
        assert durability in sink.managed.spec.argv
