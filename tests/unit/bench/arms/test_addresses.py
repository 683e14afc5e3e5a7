"""Where the servers of an arm are, for its processes and through a link."""

from bench.arms.addresses import Backends
from bench.arms.named_temporal import NamedTemporal

ON_REDIS = Backends("http://127.0.0.1:3", {"celery": "redis://127.0.0.1:1/4"}, {})
ON_RABBITMQ = Backends(
    "http://127.0.0.1:3",
    {"celery": "redis://127.0.0.1:1/4"},
    {},
    broker="amqp://guest:guest@127.0.0.1:2//",
)


def test_an_arm_whose_messages_are_on_redis_is_told_of_no_other_broker() -> None:
    """Whatever the environment names: it may be meant for the arm beside."""
    assert ON_REDIS.env()["CHANGEOVER_BROKER_URL"] == ""


def test_a_link_carries_what_the_messages_go_by_and_leaves_the_rest() -> None:
    assert ON_REDIS.address_of("celery") == ("127.0.0.1", 1)
    assert ON_REDIS.through("celery", 9).env()["CHANGEOVER_REDIS_URL"] == "redis://127.0.0.1:9/4"
    assert ON_RABBITMQ.address_of("celery") == ("127.0.0.1", 2)
    linked = ON_RABBITMQ.through("celery", 9).env()
    assert linked["CHANGEOVER_BROKER_URL"] == "amqp://guest:guest@127.0.0.1:9//"
    assert linked["CHANGEOVER_REDIS_URL"] == "redis://127.0.0.1:1/4"


ON_TEMPORAL = Backends("http://127.0.0.1:3", {"temporal": "127.0.0.1:1"}, {})
ON_THEIRS = Backends(
    "http://127.0.0.1:3",
    {"temporal": "theirs.test:7233"},
    {},
    temporal=NamedTemporal("TEMPORAL_ADDRESS", "theirs.test:7233", "theirs", "theirs.test"),
)


def test_a_server_of_the_run_is_spoken_to_in_plain_text_whatever_the_environment_says() -> None:
    env = ON_TEMPORAL.env()
    assert env["CHANGEOVER_TEMPORAL_ENVCONFIG"] == env["CHANGEOVER_TEMPORAL_TLS"] == "false"
    assert env["CHANGEOVER_TEMPORAL_API_KEY"] == ""
    assert "CHANGEOVER_TEMPORAL_TLS" not in ON_THEIRS.env()


def test_a_link_to_a_server_with_tls_keeps_the_name_in_its_certificate() -> None:
    assert "CHANGEOVER_TEMPORAL_TLS_SERVER_NAME" not in ON_THEIRS.env()
    linked = ON_THEIRS.through("temporal", 9).env()
    assert linked["CHANGEOVER_TEMPORAL_ADDRESS"] == "127.0.0.1:9"
    assert linked["CHANGEOVER_TEMPORAL_TLS_SERVER_NAME"] == "theirs.test"
    assert "CHANGEOVER_TEMPORAL_TLS_SERVER_NAME" not in ON_TEMPORAL.through("temporal", 9).env()
