"""The Temporal server that the environment names, looked at by a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.errors import NotFit
from shared.domain.errors import BadSetting

_LIMIT_S = 60.0
_NAMED_BY = (
    "CHANGEOVER_TEMPORAL_ADDRESS",
    "TEMPORAL_ADDRESS",
    "TEMPORAL_PROFILE",
    "TEMPORAL_CONFIG_FILE",
)
"""Without one of these there is none. A `temporal.toml` in its usual place that nobody points to is
not enough: a bench should not load a server by accident."""

EMBEDDED = {
    "CHANGEOVER_TEMPORAL_ENVCONFIG": "false",
    "CHANGEOVER_TEMPORAL_TLS": "false",
    "CHANGEOVER_TEMPORAL_API_KEY": "",
}
"""What the processes of an arm need for a server of the run's own, whatever the environment says of
another one."""


@dataclass(frozen=True, slots=True)
class NamedTemporal:
    """A server of the user's."""

    named_by: str
    """The variable that says so."""
    address: str
    namespace: str
    server_name: str
    """The name in its certificate, empty without TLS."""


def named_temporal(create: Sequence[str] = (), *, own_namespace: str = "") -> NamedTemporal | None:
    """Return the server that the environment names, once it answered; None if it names none.

    Namespaces are created unless they are there; `own_namespace` only if the environment does not
    name one for Temporal. `NotFit` says why the server cannot be used, `BadSetting` what is wrong.
    """
    if not any(os.environ.get(name) for name in _NAMED_BY):
        return None
    command = [sys.executable, "-m", "temporal_impl.preflight"]
    command += [part for name in create for part in ("--create", name)]
    own: Mapping[str, str] = {}
    if own_namespace:
        command.append("--own")
        own = {"CHANGEOVER_NAMESPACE": own_namespace}
    try:
        done = subprocess.run(
            command,
            env={**os.environ, **own},
            capture_output=True,
            text=True,
            timeout=_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NotFit(f"Temporal has not answered within {_LIMIT_S:g} s") from None
    if done.returncode:
        why = (done.stderr.strip().splitlines() or ["Temporal could not be looked at"])[-1]
        raise BadSetting(why) if done.returncode == BadSetting.exit_status else NotFit(why)
    found = json.loads(done.stdout)
    return NamedTemporal(**found) if found else None
