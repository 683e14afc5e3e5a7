"""How long a recovery may take at most, from the settings in force."""

from celery_impl.profile import CeleryProfile
from shared.domain.jobs import Bound
from shared.settings import Settings

_NEVER = (
    "the message was acknowledged when the step began (task_acks_late is off): "
    "no copy is left that could be handed out again"
)


def recovery_bounds(profile: CeleryProfile, settings: Settings) -> dict[str, Bound]:
    """Return the bound of each fault, from the fault until the step is handed out again."""
    if not profile.conf["task_acks_late"]:
        return {"sigkill": Bound(None, {}, _NEVER), "sigterm": _finishes_or_dies(settings)}
    return {"sigkill": _redelivered(profile), "sigterm": _handed_back(profile, settings)}


def _redelivered(profile: CeleryProfile) -> Bound:
    # The idempotency lease, half the detection budget, runs from the last progress, so it is over
    # before the visibility timeout, which runs from the delivery, unless that is shorter still.
    parts = {"visibility_timeout_s": profile.visibility_timeout_s, "sweep_s": profile.sweep_s}
    return Bound(
        sum(parts.values()),
        parts,
        "the message comes back at the first sweep after its visibility timeout, which has run "
        "since its delivery; any live worker sweeps",
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
