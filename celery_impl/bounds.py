"""How long a recovery may take at most, from the settings in force."""

from celery_impl.profile import Broker, CeleryProfile
from shared.domain.impact import Impact
from shared.domain.jobs import Bound
from shared.policy import GENERATE_IMAGE, POLICIES
from shared.settings import Settings

_NEVER = (
    "the message was acknowledged when the step began (task_acks_late is off): "
    "no copy is left that could be handed out again"
)
_POOL_S = 1.0
"""How long a busy worker may take to see that its child is gone and to have another one."""
_NEXT_LOOK_S = 5.0
"""A worker that looks for a dead child too early looks again so much later, unless it is made to
look more often: celery/concurrency/asynpool.py, `timers`."""
_CONNECTION_S = 1.0
"""How long a busy broker may take from the end of a connection until its messages are back."""


def recovery_bounds(profile: CeleryProfile, settings: Settings) -> dict[Impact, Bound]:
    """Return the bound by impact, from the fault until the step is handed out again.

    Without the time for which a fault keeps everything from recovering: a server that is down, a
    database that is locked.
    """
    late = bool(profile.conf["task_acks_late"])
    if profile.broker is Broker.RABBITMQ:
        return _on_rabbitmq(profile, settings)
    return _acknowledged_late(profile, settings) if late else _acknowledged_early(settings)


def _acknowledged_late(profile: CeleryProfile, settings: Settings) -> dict[Impact, Bound]:
    redelivered = _redelivered(profile)
    goes_on = Bound(
        redelivered.seconds,
        redelivered.parts,
        f"the step goes on, and may end before its message is handed out again: {redelivered.why}",
    )
    return {
        Impact.KILLED: redelivered,
        Impact.CPU_KILLED: redelivered,
        Impact.KEEPER_KILLED: _published(),
        Impact.PARKED: _parked(profile, settings),
        Impact.CHILD_KILLED: _retried(profile),
        Impact.STOPPED: _handed_back(profile, settings),
        Impact.SILENT: redelivered,
        Impact.DISCONNECTED: _reconnected(profile, goes_on),
        Impact.SLOWED: goes_on,
        Impact.UNWRITABLE: _retried_or_redelivered(redelivered),
        Impact.UNHARMED: _unharmed(),
    }


def _on_rabbitmq(profile: CeleryProfile, settings: Settings) -> dict[Impact, Bound]:
    gone, silent = _connection_gone(), _connection_silent(profile)
    goes_on = Bound(
        silent.seconds,
        silent.parts,
        f"the step goes on, and may end before its message is handed out again: {silent.why}",
    )
    return {
        **_acknowledged_late(profile, settings),
        Impact.KILLED: gone,
        Impact.CPU_KILLED: gone,
        Impact.PARKED: _kept_by_rabbitmq(),
        Impact.SILENT: silent,
        Impact.DISCONNECTED: goes_on,
        Impact.SLOWED: goes_on,
        Impact.UNWRITABLE: _retried_or_redelivered(gone),
    }


def _connection_gone() -> Bound:
    return Bound(
        _CONNECTION_S,
        {"connection_s": _CONNECTION_S},
        "the kernel ends the connection of a process that dies, and the broker puts what it had "
        "not acknowledged back where it was in the queue; a host that is gone with its kernel is "
        "silent instead. A step that is handed out again takes over the lease of the one before",
    )


def _kept_by_rabbitmq() -> Bound:
    return Bound(
        _CONNECTION_S,
        {"connection_s": _CONNECTION_S},
        "it stays in its queue: the prefetch of a consumer on a quorum queue never grows. If the "
        "worker had just been sent it, the broker puts it back when the connection ends",
    )


def _connection_silent(profile: CeleryProfile) -> Bound:
    parts = {"heartbeats_s": profile.heartbeats_s, "connection_s": _CONNECTION_S}
    return Bound(
        sum(parts.values()),
        parts,
        "the broker closes a connection on which nothing has come for two heartbeats, which it "
        "looks for once a heartbeat",
    )


def _acknowledged_early(settings: Settings) -> dict[Impact, Bound]:
    never = Bound(None, {}, _NEVER)
    goes_on = Bound(None, {}, f"the step goes on; if it does not, {_NEVER}")
    failed = Bound(None, {}, f"the step fails, and its code does not retry it; {_NEVER}")
    return {
        Impact.KILLED: never,
        Impact.CPU_KILLED: never,
        Impact.KEEPER_KILLED: _published(),
        Impact.PARKED: Bound(0.0, {}, "no step is retried: no worker waits for a countdown"),
        Impact.CHILD_KILLED: failed,
        Impact.STOPPED: _finishes_or_dies(settings),
        Impact.SILENT: goes_on,
        Impact.DISCONNECTED: goes_on,
        Impact.SLOWED: goes_on,
        Impact.UNWRITABLE: failed,
        Impact.UNHARMED: _unharmed(),
    }


def _redelivered(profile: CeleryProfile) -> Bound:
    # The idempotency lease, half the detection budget, runs from the last progress, so it is over
    # before the visibility timeout, which runs from the delivery, unless that is shorter still.
    if profile.broker is Broker.RABBITMQ:
        return _connection_gone()
    parts = {"visibility_timeout_s": profile.visibility_timeout_s, "sweep_s": profile.sweep_s}
    since = "its last renewal" if profile.renewals else "its delivery"
    return Bound(
        sum(parts.values()),
        parts,
        "the message comes back at the first sweep after its visibility timeout, which has run "
        f"since {since}; any live worker sweeps",
    )


def _retried(profile: CeleryProfile) -> Bound:
    pool_s = _POOL_S if profile.takes_over else _POOL_S + _NEXT_LOOK_S
    if not profile.conf.get("task_retry_on_worker_lost"):
        return Bound(
            pool_s,
            {"pool_s": pool_s},
            "the worker sees its child go and puts the message back into its queue, behind what "
            "waits there (task_reject_on_worker_lost), however often that has happened",
        )
    parts = {"pool_s": pool_s, "retry_delay_s": POLICIES[GENERATE_IMAGE].initial_interval_s}
    return Bound(
        sum(parts.values()),
        parts,
        "the worker sees its child go and publishes the task anew (task_retry_on_worker_lost), "
        "with the delay of a first retry, and behind what waits in its queue",
    )


def _retried_or_redelivered(redelivered: Bound) -> Bound:
    parts = {
        **redelivered.parts,
        "retry_delay_s": POLICIES[GENERATE_IMAGE].maximum_interval_s,
    }
    return Bound(
        sum(parts.values()),
        parts,
        "a step that cannot write fails and is retried, after at most the longest delay of its "
        f"policy; one whose worker dies of it is handed out again: {redelivered.why}",
    )


def _reconnected(profile: CeleryProfile, goes_on: Bound) -> Bound:
    parts = {**goes_on.parts, "reconnect_s": profile.reconnect_s}
    return Bound(
        sum(parts.values()),
        parts,
        f"a worker takes nothing until its next try to connect; {goes_on.why}",
    )


def _handed_back(profile: CeleryProfile, settings: Settings) -> Bound:
    soft_s = float(profile.conf["worker_soft_shutdown_timeout"])
    parts = {"soft_shutdown_s": soft_s, "hand_back_s": settings.stop_grace_s - soft_s}
    return Bound(
        sum(parts.values()),
        parts,
        "a step that outlasts the soft shutdown is stopped, gives its lease back, and its message "
        "goes back to the queue before the worker exits",
    )


def _finishes_or_dies(settings: Settings) -> Bound:
    return Bound(
        None,
        {"stop_grace_s": settings.stop_grace_s},
        "the warm shutdown lets the step finish; one that outlasts the grace is killed, and then "
        + _NEVER,
    )


def _published() -> Bound:
    return Bound(
        0.0,
        {},
        "whoever ends a step publishes the next one, to a queue that any worker of its kind "
        "takes from: no process keeps a job",
    )


def _parked(profile: CeleryProfile, settings: Settings) -> Bound:
    """Return the bound of a message that comes while a worker with one slot runs a retry."""
    if profile.conf.get("worker_eta_task_limit") == 1:
        return Bound(
            0.0,
            {},
            "it stays in its queue: a worker with one slot that waits for a countdown asks for no "
            "further message (worker_eta_task_limit)",
        )
    where = "it is in the socket of a worker that was busy when a countdown was over, and dies with"
    if not profile.recovers:
        return Bound(None, {}, f"{where} it: no copy is left that could be handed out")
    parts = {**_redelivered(profile).parts, "recover_s": settings.detection_budget_s}
    return Bound(
        sum(parts.values()),
        parts,
        f"{where} it; a job that has stood still for longer than any message stays with a dead "
        "worker is sent on by the next recover, which is due once a budget",
    )


def _unharmed() -> Bound:
    return Bound(None, {}, "the step that is aimed at goes on: there is nothing to recover")
