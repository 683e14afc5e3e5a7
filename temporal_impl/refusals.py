"""Says in one sentence why Temporal cannot be used, and what to do about it."""

import re

from temporalio.api.errordetails.v1 import NamespaceNotFoundFailure
from temporalio.service import RPCError, RPCStatusCode

from temporal_impl.connection import Connection

_CA = "CHANGEOVER_TEMPORAL_TLS_SERVER_CA_CERT_PATH"
_NAME = "CHANGEOVER_TEMPORAL_TLS_SERVER_NAME"
_CERT = "CHANGEOVER_TEMPORAL_TLS_CLIENT_CERT_PATH"
_KEY = "CHANGEOVER_TEMPORAL_TLS_CLIENT_KEY_PATH"

_WORDS = re.compile(
    r"InvalidCertificate\((?:(?P<issuer>UnknownIssuer)|(?P<other_name>NotValidForName)|(?P<other>\w))"
    r"|(?P<own_key>PrivateKeyParseError|CertificateParseError)"
    r"|(?P<no_tls>InvalidContentType|corrupt message)"
    r"|(?P<client>AlertReceived\(\w+|fatal alert: \w+)"
    r"|(?P<hung_up>call error after connection.*hyper::Error)",
    re.DOTALL,
)
"""What the SDK's core reports of a connection that did not come about: the debug text of rustls and
tonic, which has no codes. What is not in here is shown as it is."""

_FINAL = frozenset({"issuer", "other_name", "other", "own_key", "no_tls", "client"})
"""Where to try again would change nothing."""

_REFUSED = frozenset({RPCStatusCode.UNAUTHENTICATED, RPCStatusCode.PERMISSION_DENIED})


def explain(error: Exception, to: Connection) -> str:
    """Return what went wrong and the remedy, in one line."""
    if isinstance(error, RPCError):
        if namespace_is_missing(error):
            return (
                f"Temporal at {to.address} has no namespace {to.namespace!r}; "
                f"create it with `temporal operator namespace create -n {to.namespace}`, "
                "or name another with CHANGEOVER_TEMPORAL_NAMESPACE"
            )
        if error.status in _REFUSED:
            return (
                f"Temporal at {to.address} lets nobody into namespace {to.namespace!r} with this "
                f"{_credentials(to)} ({error.message}); is it the right one, and is the "
                "namespace spelt as the server has it?"
            )
    found = _WORDS.search(str(error))
    match found and found.lastgroup:
        case "issuer":
            why = f"its certificate is signed by nobody that is trusted; name its CA with {_CA}"
        case "other_name":
            why = f"its certificate is not for {to.server_name}; name whom it is for with {_NAME}"
        case "other":
            why = f"its certificate is not accepted ({str(error)[:300]})"
        case "own_key":
            why = f"{_CERT} and {_KEY} are no certificate with its key in PEM"
        case "no_tls":
            why = "it does not speak TLS; set CHANGEOVER_TEMPORAL_TLS=false and no certificate"
        case "client":
            why = f"it does not accept {_client(to)}; set {_CERT} and {_KEY}"
        case "hung_up" if to.tls is None:
            why = "it hung up, as one does that wants TLS; if so set CHANGEOVER_TEMPORAL_TLS=true"
        case "hung_up":
            why = (
                f"it hung up after the TLS handshake, as one does that does not accept "
                f"{_client(to)}; if so set {_CERT} and {_KEY}"
            )
        case _:
            return (
                f"no answer from Temporal at {to.address} "
                f"({str(error) or 'timed out'}); start a server there "
                "or set CHANGEOVER_TEMPORAL_ADDRESS"
            )
    return f"no connection to Temporal at {to.address}: {why}"


def is_final(error: Exception) -> bool:
    """Whether to try again cannot help: a certificate or a key is not accepted."""
    if isinstance(error, RPCError) and error.status in _REFUSED:
        return True
    found = _WORDS.search(str(error))
    return found is not None and found.lastgroup in _FINAL


def namespace_is_missing(error: RPCError) -> bool:
    """Whether the server knows no such namespace; plain NOT_FOUND is about a job."""
    return any(
        detail.Is(NamespaceNotFoundFailure.DESCRIPTOR) for detail in error.grpc_status.details
    )


def _client(to: Connection) -> str:
    has_one = to.tls is not None and to.tls.client_cert is not None
    return "this client certificate" if has_one else "a client without a certificate"


def _credentials(to: Connection) -> str:
    return "API key" if to.api_key else "certificate" if to.tls else "client"
