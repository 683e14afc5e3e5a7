"""How a RabbitMQ node of a run's own is started, where the machine has the server installed.

It comes as no wheel: `apt-get install rabbitmq-server`, `brew install rabbitmq`. The node has its
name, its ports, its cookie and its data from the run, and leaves a node that the machine runs as a
service alone. Erlang's name server, epmd, is a daemon that outlives the nodes that start it; this
one is of the node's own process group, on a port of its own, and ends with it.
"""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from bench.arms.ports import free_port
from bench.errors import NotFit

# Debian's /usr/sbin/rabbitmq-server runs as root or rabbitmq only, and then changes the user.
_BELOW = ("/usr/lib/rabbitmq/bin", "/opt/homebrew/sbin", "/usr/local/sbin")
_NO_SERVER = (
    "no rabbitmq-server with Erlang's epmd; install one (apt-get install rabbitmq-server,"
    " brew install rabbitmq) or set CHANGEOVER_BROKER_URL=amqp://..."
)
NODE_CONFIGURATION = """\
listeners.tcp.1 = 127.0.0.1:{port}
log.console = true
log.console.level = warning
log.file = false
# In ms, as the profile asks for by an argument that only RabbitMQ 3.12 and newer read.
consumer_timeout = 3600000
# What it keeps free of a disk or of memory that others use too.
disk_free_limit.absolute = 50MB
"""


@dataclass(frozen=True, slots=True)
class RabbitNode:
    """A node that can be started: its command, its environment, and where clients find it."""

    argv: list[str]
    env: dict[str, str]
    port: int

    @property
    def url(self) -> str:
        """The broker's URL, with the user that every node begins with."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"


def rabbitmq_binary() -> str:
    """Return the path of `rabbitmq-server`; `NotFit` says how to get it if there is none."""
    path = os.pathsep.join([*_BELOW, os.environ.get("PATH", "")])
    found = shutil.which("rabbitmq-server", path=path)
    if not found or not shutil.which("epmd"):
        raise NotFit(_NO_SERVER)
    return found


def why_no_rabbitmq() -> str:
    """Return why no node can be started here, with the remedy; empty if one can."""
    try:
        rabbitmq_binary()
    except NotFit as error:
        return str(error)
    return ""


def rabbit_node(folder: Path, port: int | None = None) -> RabbitNode:
    """Prepare a node whose data is in `folder`; a second start there finds it again.

    `NotFit` if no server is installed.
    """
    binary = rabbitmq_binary()
    port = port or free_port()
    folder = folder.absolute()
    home = folder / "home"  # for the cookie
    home.mkdir(parents=True, exist_ok=True)
    configuration, plugins = folder / "rabbitmq.conf", folder / "enabled_plugins"
    configuration.write_text(NODE_CONFIGURATION.format(port=port))
    plugins.write_text("[].\n")
    env = {
        "HOME": str(home),
        "RABBITMQ_NODENAME": f"changeover{port}@localhost",
        "RABBITMQ_CONF_ENV_FILE": os.devnull,
        "RABBITMQ_CONFIG_FILE": str(configuration),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(plugins),
        "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_PID_FILE": str(folder / "pid"),
        "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
            "-start_epmd false -kernel inet_dist_use_interface {127,0,0,1}"
        ),
        # The script then becomes the server, which handles signals itself.
        "RUNNING_UNDER_SYSTEMD": "true",
        "ERL_EPMD_PORT": str(free_port()),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
    }
    command = 'epmd -port "$ERL_EPMD_PORT" -address 127.0.0.1 & exec "$0"'
    return RabbitNode(["sh", "-c", command, binary], env, port)
