"""A profile's values with their types, and the activity options that follow from them."""

from dataclasses import dataclass, replace
from enum import StrEnum

from shared.domain.jobs import EffectiveSetting, ImageJob
from shared.policy import (
    ASSEMBLE,
    CAPTURE_CREDITS,
    GENERATE_IMAGE,
    NOTIFY_USER,
    POLICIES,
    RESERVE_CREDITS,
    Queue,
    StepPolicy,
)
from shared.profiles import Profile, load_profile
from shared.settings import Settings
from temporal_impl.options import TASK_QUEUES, Retry, StepOptions

_PACKAGE = "temporal_impl"
_POLICY = "policy"
_DEFAULT_STICKY_S = 10.0
"""SDK worker/_worker.py, sticky_queue_schedule_to_start_timeout."""
_DEFAULT_WORKFLOW_TASK_S = 10.0
"""Server common/dynamicconfig/constants.go, history.defaultWorkflowTaskTimeout."""


class Execution(StrEnum):
    """What the server runs for one image job; a face session is a workflow in any case."""

    WORKFLOW = "workflow"
    STANDALONE_ACTIVITY = "standalone_activity"


@dataclass(frozen=True, slots=True)
class TemporalProfile:
    """One of `profiles/*.toml`, resolved. None leaves a value to the SDK or the server."""

    profile: Profile
    execution: Execution
    heartbeat_timeout_s: float | None
    heartbeat_throttle_s: float | None
    sticky_schedule_to_start_s: float
    """How long the workflows of a dead worker wait for it before another one may have them."""
    workflow_task_timeout_s: float
    """How long the server waits for a worker that is at a workflow's own code."""
    wait_for_cancel: bool
    handle_sigterm: bool
    resumes: bool
    """Whether an attempt goes on from an earlier one's checkpoint; else it starts from nothing."""
    graceful_shutdown_timeout_s: float
    gpu_slots: int
    gpu_pollers: int | None
    keep_alive_interval_s: float | None
    """How often a connection is asked for a sign of life; None for the SDK's 30 s."""
    keep_alive_timeout_s: float | None
    """How long the answer may take before the connection is given up; set with the interval."""
    build_id: str | None

    def step_options(self, step: str) -> StepOptions:
        """Return the options of one kind of step (`generate_image`, not `generate_image/1`)."""
        policy = POLICIES[step]
        # Only a step that reports progress can send heartbeats.
        heartbeats = policy.queue is Queue.GPU
        return StepOptions(
            task_queue=TASK_QUEUES[policy.queue],
            start_to_close_s=self._start_to_close_s(step, policy),
            heartbeat_timeout_s=self.heartbeat_timeout_s if heartbeats else None,
            retry=_retry(policy) if self.profile.values["retry_policy"] == _POLICY else None,
            wait_for_cancel=self.wait_for_cancel,
        )

    def all_step_options(self) -> dict[str, StepOptions]:
        """Return the options by kind of step, as a workflow's input carries them."""
        return {step: self.step_options(step) for step in POLICIES}

    def job_options(self, job: ImageJob) -> StepOptions:
        """Return the options of a whole job that runs as one activity on the GPU queue."""
        generate = self.step_options(GENERATE_IMAGE)
        steps = [RESERVE_CREDITS, *[GENERATE_IMAGE] * job.n, ASSEMBLE, CAPTURE_CREDITS, NOTIFY_USER]
        retry = replace(
            generate.retry or _retry(POLICIES[GENERATE_IMAGE]),
            maximum_attempts=int(self.profile.values["maximum_attempts"]),
        )
        return replace(
            generate,
            start_to_close_s=sum(POLICIES[step].start_to_close_s for step in steps),
            retry=retry,
        )

    @property
    def workflow_task_s(self) -> float:
        """The longest that a dead worker keeps a workflow from going on, but for its steps."""
        return max(self.sticky_schedule_to_start_s, self.workflow_task_timeout_s)

    def effective_settings(self) -> list[EffectiveSetting]:
        """Return the profile's settings, and what they come to for each kind of step."""
        return [*self.profile.effective, *self._per_step()]

    def _per_step(self) -> list[EffectiveSetting]:
        rows = []
        for step, options in self.all_step_options().items():
            retry = options.retry
            attempts = retry.maximum_attempts if retry else "without limit"
            heartbeat = options.heartbeat_timeout_s
            value = (
                f"{options.task_queue}, start_to_close {options.start_to_close_s:g} s, "
                f"heartbeat {f'{heartbeat:g} s' if heartbeat else 'none'}, attempts {attempts}"
            )
            rows.append(
                EffectiveSetting(
                    f"{step}.options", value, "what the settings above come to", "shared/policy.py"
                )
            )
        return rows

    def _start_to_close_s(self, step: str, policy: StepPolicy) -> float:
        if self.profile.values.get("start_to_close") == _POLICY:
            # Without heartbeats the end of its time is all that tells of a dead worker.
            if policy.queue is Queue.CPU:
                return min(policy.start_to_close_s, self.profile.seconds("cpu_start_to_close_s"))
            return policy.start_to_close_s
        own = f"{step}_start_to_close_s"
        return self.profile.seconds(
            own if own in self.profile.values else "other_steps_start_to_close_s"
        )


def _retry(policy: StepPolicy) -> Retry:
    return Retry(
        initial_interval_s=policy.initial_interval_s,
        backoff=policy.backoff,
        maximum_interval_s=policy.maximum_interval_s,
        maximum_attempts=policy.maximum_attempts,
    )


def load(settings: Settings) -> TemporalProfile:
    """Return the profile that the settings name; `BadSetting` if there is none."""
    profile = load_profile(_PACKAGE, settings)
    values = profile.values
    return TemporalProfile(
        profile=profile,
        execution=Execution(values["execution"]),
        heartbeat_timeout_s=profile.optional_seconds("heartbeat_timeout_s"),
        heartbeat_throttle_s=profile.optional_seconds("heartbeat_throttle_s"),
        sticky_schedule_to_start_s=profile.optional_seconds("sticky_schedule_to_start_s")
        or _DEFAULT_STICKY_S,
        workflow_task_timeout_s=profile.optional_seconds("workflow_task_timeout_s")
        or _DEFAULT_WORKFLOW_TASK_S,
        wait_for_cancel=values.get("cancellation_type") == "WAIT_CANCELLATION_COMPLETED",
        handle_sigterm=bool(values["handle_sigterm"]),
        resumes=bool(values.get("steps.resumes", True)),
        graceful_shutdown_timeout_s=max(
            0.0, profile.optional_seconds("graceful_shutdown_timeout_s") or 0.0
        ),
        gpu_slots=int(values["gpu_slots"]),
        gpu_pollers=values.get("gpu_pollers"),
        keep_alive_interval_s=profile.optional_seconds("keep_alive_interval_s"),
        keep_alive_timeout_s=profile.optional_seconds("keep_alive_timeout_s"),
        build_id=values.get("build_id"),
    )
