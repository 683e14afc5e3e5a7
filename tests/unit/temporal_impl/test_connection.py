"""Which source of the connection's settings wins, without a server."""

from pathlib import Path
from typing import Any

import pytest
from temporalio.service import TLSConfig

from shared.domain.errors import BadSetting
from shared.settings import Settings
from temporal_impl.connection import Connection, connection
from tests.codecs import Reversing

PROFILE = """
[profile.default]
address = "default.file:7233"

[profile.prod]
address = "prod.file:7233"
namespace = "prod.file"
api_key = "file-key"

[profile.prod.tls]
server_name = "file.name"

[profile.plain]
address = "plain.file:7233"
api_key = "file-key"

[profile.plain.tls]
disabled = true
"""


@pytest.fixture(autouse=True)
def _nothing_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home" / ".config"))
    for name in ("ADDRESS", "NAMESPACE", "API_KEY", "TLS", "PROFILE", "CONFIG_FILE"):
        monkeypatch.delenv(f"TEMPORAL_{name}", raising=False)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "temporal.toml"
    path.write_text(PROFILE)
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", str(path))
    return path


def _connection(**values: Any) -> Connection:
    return connection(Settings(**values))


def test_without_a_word_it_is_a_server_of_this_machine_in_plain_text() -> None:
    to = _connection()
    assert (to.address, to.namespace, to.tls, to.api_key) == (
        *("127.0.0.1:7233", "changeover"),
        *(None, None),
    )
    assert (to.named_by, to.namespace_is_named) == ("", False)


def test_ours_win_over_temporals_variables_and_those_over_the_profile(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEMPORAL_PROFILE", "prod")
    to = _connection()
    assert (to.address, to.namespace, to.api_key) == ("prod.file:7233", "prod.file", "file-key")
    assert (to.server_name, to.named_by) == ("file.name", "TEMPORAL_PROFILE")
    for name in ("ADDRESS", "NAMESPACE", "API_KEY", "TLS_SERVER_NAME"):
        monkeypatch.setenv(f"TEMPORAL_{name}", f"their-{name.lower()}:1")
    to = _connection()
    assert (to.address, to.namespace) == ("their-address:1", "their-namespace:1")
    assert (to.api_key, to.server_name) == ("their-api_key:1", "their-tls_server_name:1")
    assert to.named_by == "TEMPORAL_ADDRESS"
    for name in ("ADDRESS", "NAMESPACE", "API_KEY", "TLS_SERVER_NAME"):
        monkeypatch.setenv(f"CHANGEOVER_TEMPORAL_{name}", f"our-{name.lower()}:1")
    to = _connection()
    assert (to.address, to.namespace) == ("our-address:1", "our-namespace:1")
    assert (to.api_key, to.server_name) == ("our-api_key:1", "our-tls_server_name:1")
    assert to.named_by == "CHANGEOVER_TEMPORAL_ADDRESS"


def test_each_setting_is_looked_for_by_itself(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_PROFILE", "prod")
    monkeypatch.setenv("TEMPORAL_API_KEY", "theirs")
    to = _connection(temporal_address="ours:1")
    assert (to.address, to.api_key, to.namespace) == ("ours:1", "theirs", "prod.file")


def test_temporals_own_can_be_turned_off(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_PROFILE", "prod")
    to = _connection(temporal_envconfig=False)
    assert (to.address, to.namespace, to.api_key) == ("127.0.0.1:7233", "changeover", None)


def test_a_file_in_its_usual_place_is_read_and_names_no_server_for_the_bench(
    tmp_path: Path,
) -> None:
    usual = tmp_path / "home" / ".config" / "temporalio" / "temporal.toml"
    usual.parent.mkdir(parents=True)
    usual.write_text(PROFILE)
    to = _connection()
    assert (to.address, to.named_by) == ("default.file:7233", "")


@pytest.mark.parametrize("key", ["CHANGEOVER_TEMPORAL_API_KEY", "TEMPORAL_API_KEY"])
def test_an_api_key_goes_over_tls_unless_told_otherwise(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(key, "secret")
    to = _connection()
    assert to.tls == TLSConfig()
    assert to.options["api_key"] == "secret"
    assert "secret" not in repr(to) + str(Settings())
    assert _connection(temporal_tls=False).options["tls"] is False


def test_tls_that_a_profile_turns_off_is_off(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_PROFILE", "plain")
    assert _connection().tls is None
    assert _connection(temporal_tls=True).tls is not None


@pytest.mark.parametrize("prefix", ["CHANGEOVER_TEMPORAL", "TEMPORAL"])
def test_certificates_are_read_from_files(
    prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for what in ("SERVER_CA_CERT", "CLIENT_CERT", "CLIENT_KEY"):
        (tmp_path / what).write_text(what)
        monkeypatch.setenv(f"{prefix}_TLS_{what}_PATH", str(tmp_path / what))
    tls = _connection().tls
    assert tls is not None
    assert tls.server_root_ca_cert == b"SERVER_CA_CERT"
    assert (tls.client_cert, tls.client_private_key) == (b"CLIENT_CERT", b"CLIENT_KEY")


def test_a_certificate_without_its_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cert").write_text("x")
    with pytest.raises(BadSetting, match="CHANGEOVER_TEMPORAL_TLS_CLIENT_KEY_PATH"):
        _connection(temporal_tls_client_cert_path=str(tmp_path / "cert"))


def test_a_file_that_is_not_there_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BadSetting, match=r"nowhere\.pem"):
        _connection(temporal_tls_server_ca_cert_path=str(tmp_path / "nowhere.pem"))
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", str(tmp_path / "nowhere.toml"))
    with pytest.raises(BadSetting, match=r"TEMPORAL_CONFIG_FILE=.*nowhere\.toml"):
        _connection()


def test_a_profile_that_is_not_there_is_refused_by_name(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEMPORAL_PROFILE", "staging")
    with pytest.raises(BadSetting, match=r"TEMPORAL_PROFILE='staging'.*not found"):
        _connection()


def test_a_payload_codec_is_made_by_the_factory_that_is_named() -> None:
    to = _connection(temporal_payload_codec="tests.codecs:Reversing")
    assert isinstance(to.options["data_converter"].payload_codec, Reversing)
    assert _connection().options["data_converter"].payload_codec is None


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("tests.codecs", "module:factory"),
        ("no_such_module:codec", "No module named 'no_such_module'"),
        ("tests.codecs:nothing", "has no attribute 'nothing'"),
        ("tests.codecs:no_codec", "gives a str, not a temporalio.converter.PayloadCodec"),
    ],
)
def test_a_payload_codec_that_cannot_be_had_is_refused_by_name(name: str, said: str) -> None:
    with pytest.raises(BadSetting, match="CHANGEOVER_TEMPORAL_PAYLOAD_CODEC") as refused:
        _connection(temporal_payload_codec=name)
    assert said in str(refused.value)
