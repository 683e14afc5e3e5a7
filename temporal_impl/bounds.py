"""How long a fault may keep a step from being handed out again, from the settings in force."""

from shared.domain.impact import Impact
from shared.domain.jobs import Bound
from shared.policy import ASSEMBLE, GENERATE_IMAGE
from temporal_impl.options import SERVER_DEFAULT_RETRY
from temporal_impl.profile import TemporalProfile
from temporal_impl.trace import TIMER_SHIFT_S

_UNHARMED = Bound(None, {}, "the step that is aimed at goes on: there is nothing to recover")
_RECONNECT_S = 12.0
"""The longest wait between two polls that fail: 10 s and a fifth more (the SDK's core,
crates/client/src/retry.rs, `task_poll_retry_policy`). No option changes it."""
_WAITS = Bound(
    0.0,
    {},
    "what waits is with the server: a worker asks for a task only while it has a slot free, and a "
    "retry's backoff is the server's too",
)


def recovery_bounds(
    profile: TemporalProfile, stop_grace_s: float, silence_s: float = 0.0
) -> dict[Impact, Bound]:
    """Return the bound by impact, for a first attempt of `generate_image` that is hit.

    `silence_s` is the longest time between two of its reports of progress. Without the time for
    which a fault keeps everything from recovering: a server that is down, a database that is
    locked.
    """
    silent = _after_silence(profile)
    goes_on = Bound(
        silent.seconds,
        silent.parts,
        f"the step goes on; were it given up, then because {silent.why}",
    )
    # A worker computes in threads of its own process: it has no child to lose.
    return {
        Impact.KILLED: silent,
        Impact.STOPPED: _after_stop(profile, stop_grace_s, silence_s, silent),
        Impact.CPU_KILLED: _after_limit(profile),
        Impact.KEEPER_KILLED: _after_workflow_task(profile),
        Impact.PARKED: _WAITS,
        Impact.SILENT: silent,
        Impact.DISCONNECTED: _sum_of(
            {**goes_on.parts, "reconnect_s": _RECONNECT_S},
            f"a worker takes nothing until its next poll; {goes_on.why}",
        ),
        Impact.SLOWED: goes_on,
        Impact.UNWRITABLE: _after_failure(profile, silent),
        Impact.UNHARMED: _UNHARMED,
    }


def _after_silence(profile: TemporalProfile) -> Bound:
    options = profile.step_options(GENERATE_IMAGE)
    if options.heartbeat_timeout_s is not None:
        return _sum_of(
            {
                "heartbeat_timeout_s": options.heartbeat_timeout_s,
                "timer_shift_s": TIMER_SHIFT_S,
                "backoff_s": options.first_backoff_s,
            },
            "the server waits out the heartbeat timeout from the last heartbeat, then the backoff",
        )
    return _sum_of(
        {"start_to_close_s": options.start_to_close_s, "backoff_s": options.first_backoff_s},
        "without heartbeats only start_to_close, counted from the attempt's start, tells",
    )


def _after_limit(profile: TemporalProfile) -> Bound:
    options = profile.step_options(ASSEMBLE)
    return _sum_of(
        {
            "start_to_close_s": options.start_to_close_s,
            "timer_shift_s": TIMER_SHIFT_S,
            "backoff_s": options.first_backoff_s,
        },
        "a step on the CPU sends no heartbeat: start_to_close, counted from its start, tells",
    )


def _after_workflow_task(profile: TemporalProfile) -> Bound:
    return _sum_of(
        {
            "workflow_task_timeout_s": profile.workflow_task_s,
            "timer_shift_s": TIMER_SHIFT_S,
        },
        "a worker that dies over a workflow's own code is waited for, and so is one that has the "
        "workflow in its cache; then another one has it, from its history",
    )


def _after_stop(
    profile: TemporalProfile, stop_grace_s: float, silence_s: float, silent: Bound
) -> Bound:
    if not profile.handle_sigterm:
        return silent
    report_s = stop_grace_s - profile.graceful_shutdown_timeout_s
    if silence_s >= report_s:
        return _sum_of(
            {"stop_grace_s": stop_grace_s, **silent.parts},
            f"progress comes every {silence_s:g} s, and {report_s:g} s of the grace are left for "
            f"it: the worker may be killed at the end of the grace, and then {silent.why}",
        )
    return _sum_of(
        {
            "graceful_shutdown_timeout_s": profile.graceful_shutdown_timeout_s,
            "report_s": report_s,
            "backoff_s": profile.step_options(GENERATE_IMAGE).first_backoff_s,
        },
        "a step that is not finished within the grace stops at its next progress, which has to come"
        f" within {report_s:g} s, and reports it",
    )


def _after_failure(profile: TemporalProfile, silent: Bound) -> Bound:
    retry = profile.step_options(GENERATE_IMAGE).retry or SERVER_DEFAULT_RETRY
    return _sum_of(
        {**silent.parts, "backoff_s": retry.maximum_interval_s},
        "a step that cannot write fails and is retried, after at most the longest backoff of its "
        f"policy; one whose worker dies of it is given up: {silent.why}",
    )


def _sum_of(parts: dict[str, float], why: str) -> Bound:
    return Bound(sum(parts.values()), parts, why)
