"""What an engine's server has been asked for: actions as Temporal Cloud bills them, or commands."""

import re
import socket
import urllib.request
from collections import Counter
from urllib.parse import urlsplit

_LIMIT_S = 5.0
_SAMPLE = re.compile(r"^(action|service_requests)\{([^}]*)\} (\S+)$", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="([^"]*)"')
_STANDALONE = "StartActivityExecution"
"""The start of a Standalone Activity: server 1.32 has it among its requests, not its actions."""
_COMMAND = re.compile(r"^cmdstat_([^:]+):calls=(\d+)", re.MULTILINE)
_OUR_OWN = "info"

HEARTBEATS = "RecordActivityTaskHeartbeat"


def actions(metrics_url: str, namespace: str) -> Counter[str]:
    """Return the billable actions of a namespace by kind, as the server's own metrics count them.

    Source: docs.temporal.io/cloud/migrate/estimate-actions; server
    common/rpc/interceptor/telemetry.go, emitActionMetric.
    """
    with urllib.request.urlopen(metrics_url, timeout=_LIMIT_S) as answer:
        text = answer.read().decode()
    # A label has no hyphens.
    named = re.sub(r"\W", "_", namespace)
    found: Counter[str] = Counter()
    for name, written, count in _SAMPLE.findall(text):
        labels = dict(_LABEL.findall(written))
        if labels.get("namespace") != named or labels.get("service_name") != "frontend":
            continue
        if name == "action":
            found[labels["action_type"].removeprefix("grpc_").removeprefix("command_")] += int(
                float(count)
            )
        elif labels["operation"] == _STANDALONE:
            found[_STANDALONE] += int(float(count))
    return found


def commands(redis_url: str) -> Counter[str]:
    """Return the commands that a Redis server has been sent, by name, but for this question."""
    url = urlsplit(redis_url)
    with socket.create_connection((url.hostname or "", url.port or 6379), _LIMIT_S) as connection:
        connection.sendall(b"INFO commandstats\r\n")
        with connection.makefile("rb") as answer:
            # A bulk string: `$` and its length, then so many bytes.
            text = answer.read(int(answer.readline()[1:])).decode()
    return Counter({name: int(calls) for name, calls in _COMMAND.findall(text) if name != _OUR_OWN})
