"""The bench's errors, named by whose fault they are; each maps to an exit status."""

from shared.domain.errors import ChangeoverError


class BadScenario(ChangeoverError):
    """The scenario is wrong; nothing was started."""

    exit_status = 2


class NotFit(ChangeoverError):
    """This machine or its environment is not fit for a run; the message says what to do."""
