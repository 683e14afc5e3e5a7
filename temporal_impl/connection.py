"""Where Temporal's server is and how to speak to it: our settings, then Temporal's own.

What `CHANGEOVER_TEMPORAL_*` says wins over `TEMPORAL_*`, and that over the profile in
`temporal.toml`, each setting for itself (docs.temporal.io/develop/environment-configuration).
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from temporalio.converter import DataConverter, PayloadCodec
from temporalio.envconfig import ClientConfigProfile, ClientConfigTLS
from temporalio.service import TLSConfig

from shared.domain.errors import BadSetting
from shared.settings import Settings

_OURS = "CHANGEOVER_TEMPORAL_ADDRESS"
_THEIRS = "TEMPORAL_ADDRESS"
_FILE = "TEMPORAL_CONFIG_FILE"
_PROFILE = "TEMPORAL_PROFILE"


@dataclass(frozen=True, slots=True)
class Connection:
    """How to reach one namespace of one server; what is secret in it is in no text."""

    address: str
    namespace: str
    tls: TLSConfig | None
    """None for a connection in plain text."""
    api_key: str | None
    metadata: Mapping[str, str]
    """Headers of every call."""
    data_converter: DataConverter
    named_by: str
    """What names the server, empty if nothing does and the address is the usual one."""
    namespace_is_named: bool
    """Whether anything names Temporal's namespace; else it is that of all the rest."""

    def __repr__(self) -> str:
        return (
            f"Connection({self.address}, {self.namespace}, named by {self.named_by or 'nothing'})"
        )

    @property
    def options(self) -> dict[str, Any]:
        """What `Client.connect` takes."""
        return {
            "target_host": self.address,
            "namespace": self.namespace,
            # None would mean TLS where there is an API key.
            "tls": self.tls or False,
            "api_key": self.api_key,
            "rpc_metadata": self.metadata,
            "data_converter": self.data_converter,
        }

    @property
    def server_name(self) -> str:
        """The name that the server's certificate is checked for, empty without TLS."""
        if self.tls is None:
            return ""
        return self.tls.domain or self.address.rpartition(":")[0]


def connection(settings: Settings) -> Connection:
    """Return the connection that the environment describes; `BadSetting` if it contradicts itself.

    Files with certificates are read now.
    """
    found = _from_temporals_own() if settings.temporal_envconfig else ClientConfigProfile()
    ours = settings.temporal_address if "temporal_address" in settings.model_fields_set else ""
    api_key = settings.temporal_api_key or found.api_key or None
    named = settings.temporal_namespace or found.namespace
    return Connection(
        address=ours or found.address or settings.temporal_address,
        # That of everything else of this environment is the last resort: Temporal Cloud's
        # namespaces have the account's name in them.
        namespace=named or settings.namespace,
        namespace_is_named=bool(named),
        tls=_tls(settings, found.tls, api_key),
        api_key=api_key,
        metadata=found.grpc_meta,
        data_converter=data_converter(settings),
        named_by=_OURS if ours else _who_named(found),
    )


def data_converter(settings: Settings) -> DataConverter:
    """Return the SDK's own, with the payload codec that the settings name, if they do."""
    name = settings.temporal_payload_codec
    if not name:
        return DataConverter.default
    return replace(DataConverter.default, payload_codec=_codec(name))


def _from_temporals_own() -> ClientConfigProfile:
    file = os.environ.get(_FILE)
    if file and not Path(file).exists():
        # The SDK would take it for an empty one.
        raise BadSetting(f"{_FILE}={file!r}: there is no such file")
    try:
        return ClientConfigProfile.load()
    # ConfigError of the SDK's bridge, which it does not export.
    except RuntimeError as error:
        said = " ".join(str(error).split())
        where = f"{_PROFILE}={os.environ.get(_PROFILE, 'default')!r}"
        raise BadSetting(f"Temporal's own configuration, {where}: {said}") from None


def _who_named(found: ClientConfigProfile) -> str:
    if not found.address:
        return ""
    if os.environ.get(_THEIRS):
        return _THEIRS
    # A file that nobody points to is enough for a worker, and names no server for a bench.
    return next((name for name in (_PROFILE, _FILE) if os.environ.get(name)), "")


def _tls(
    settings: Settings, found: ClientConfigTLS | None, api_key: str | None
) -> TLSConfig | None:
    ca = settings.temporal_tls_server_ca_cert_path
    cert = settings.temporal_tls_client_cert_path
    key = settings.temporal_tls_client_key_path
    wanted = settings.temporal_tls
    if wanted is None and not (ca or cert or key):
        # As the SDK has it: a key goes over TLS, unless TLS is turned off in so many words.
        wanted = bool(api_key) if found is None else not found.disabled
    if wanted is False:
        return None
    theirs = found or ClientConfigTLS()
    merged = replace(
        theirs,
        disabled=False,
        server_name=settings.temporal_tls_server_name or theirs.server_name,
        server_root_ca_cert=Path(ca) if ca else theirs.server_root_ca_cert,
        client_cert=Path(cert) if cert else theirs.client_cert,
        client_private_key=Path(key) if key else theirs.client_private_key,
    )
    if (merged.client_cert is None) != (merged.client_private_key is None):
        raise BadSetting(
            "a client certificate needs its private key and the other way round: set both of"
            " CHANGEOVER_TEMPORAL_TLS_CLIENT_CERT_PATH and CHANGEOVER_TEMPORAL_TLS_CLIENT_KEY_PATH"
        )
    try:
        config = merged.to_connect_tls_config()
    except OSError as error:
        raise BadSetting(f"a file for TLS to Temporal cannot be read: {error}") from None
    assert isinstance(config, TLSConfig)
    return config


def _codec(name: str) -> PayloadCodec:
    module, _, factory = name.partition(":")
    said = f"CHANGEOVER_TEMPORAL_PAYLOAD_CODEC={name!r}"
    if not module or not factory:
        raise BadSetting(f"{said}: name it as module:factory")
    try:
        codec = getattr(import_module(module), factory)()
    except Exception as error:
        raise BadSetting(f"{said}: {type(error).__name__}: {error}") from error
    if not isinstance(codec, PayloadCodec):
        raise BadSetting(
            f"{said}: gives a {type(codec).__name__}, not a temporalio.converter.PayloadCodec"
        )
    return codec
