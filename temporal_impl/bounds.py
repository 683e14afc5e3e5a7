"""How long a fault may keep a step from being handed out again, from the settings in force."""

from shared.domain.jobs import Bound
from shared.policy import GENERATE_IMAGE
from temporal_impl.profile import TemporalProfile
from temporal_impl.trace import TIMER_SHIFT_S


def recovery_bounds(profile: TemporalProfile, stop_grace_s: float) -> dict[str, Bound]:
    """Return the bound by fault, for a first attempt of `generate_image` that is hit."""
    sigkill = _after_silence(profile)
    return {
        "sigkill": sigkill,
        "sigterm": _after_grace(profile, stop_grace_s) if profile.handle_sigterm else sigkill,
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


def _after_grace(profile: TemporalProfile, stop_grace_s: float) -> Bound:
    return _sum_of(
        {
            "graceful_shutdown_timeout_s": profile.graceful_shutdown_timeout_s,
            "report_s": stop_grace_s - profile.graceful_shutdown_timeout_s,
            "backoff_s": profile.step_options(GENERATE_IMAGE).first_backoff_s,
        },
        "a step that is not finished within the grace stops at its next progress and reports it",
    )


def _sum_of(parts: dict[str, float], why: str) -> Bound:
    return Bound(sum(parts.values()), parts, why)
