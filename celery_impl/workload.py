"""What a workload is to Celery: its flows, and how a job goes on whose messages are gone."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from celery_impl.signatures import Signature
from shared.domain.status import JobStatus
from shared.settings import Settings
from shared.workloads.workload import Workload

if TYPE_CHECKING:
    from celery import Celery


class StoredJob(Protocol):
    """A job as it is kept in SQL."""

    @property
    def request(self) -> str: ...
    @property
    def status(self) -> JobStatus: ...
    @property
    def step(self) -> str | None: ...
    @property
    def ending(self) -> bool: ...
    @property
    def compensated_for(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class CeleryWorkload:
    """One workload; `celery_impl.workloads` has all of them."""

    workload: Workload[Any, Any]
    task_module: str
    """The module that registers its tasks."""
    first_step: str
    flow: Callable[["Celery", str, StoredJob, str, Collection[str]], Signature]
    """From app, job id, job, first step and finished steps: what is published next."""
    next_step: Callable[[StoredJob, Collection[str]], str]
    """From job and finished steps: the step from which a job goes on that stands still."""
    fan_out: Callable[[StoredJob], tuple[str, set[str]]] | None = None
    """The step before the job's fan-out, and the fan-out's members."""
    input_wait_s: Callable[[Settings], float] | None = None
    """How long its jobs wait for their files."""
    renamed_tasks: Mapping[str, str] = field(default_factory=dict)
    """Tasks that are not named after their step, with their step."""
