"""The few errors of the domain, named by whose fault they are.

An exception's docstring is its default message, so that a bare `raise` still says what to do.
"""


class ChangeoverError(Exception):
    """Something went wrong in Changeover."""

    exit_status = 3
    """What a command that ends with this error returns."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "").splitlines()[0])


class BadSetting(ChangeoverError):
    """A setting is wrong; correct the environment variable that the message names."""

    exit_status = 2


class MissingExtra(ChangeoverError):
    """A driver's packages are not installed; install the extra that the message names."""


class BadRequest(ChangeoverError):
    """The request can never succeed as it is; correct it and send it again."""


class UnreadableMedia(BadRequest):
    """The file is no picture or video that can be read; send another one."""


class UnknownJob(ChangeoverError):
    """No job has this id; check the id that the submit call returned."""


class Conflict(ChangeoverError):
    """The same Idempotency-Key came with another body; use a new key for a new job."""


class JobOver(ChangeoverError):
    """The job takes no more of this; look at its status."""


class EngineUnavailable(ChangeoverError):
    """The engine cannot be reached; nothing was accepted, so send the request again later."""


class EffectFailed(ChangeoverError):
    """The outside world did not confirm an effect; the step may be tried again."""


class JobCancelled(ChangeoverError):
    """The client cancelled this job."""


class Superseded(ChangeoverError):
    """A later attempt holds this step; this attempt must stop and must not commit."""


class StepRefused(ChangeoverError):
    """The step can never succeed with this input; it is not tried again."""


class AttemptsUsedUp(StepRefused):
    """Every attempt that the policy allows has been used up."""


class WorkerStopping(ChangeoverError):
    """This worker is shutting down; the step will be tried again elsewhere."""
