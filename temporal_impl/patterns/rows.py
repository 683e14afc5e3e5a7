"""What the workers register: every row's workflows and activities."""

from collections.abc import Callable, Sequence
from typing import Any

from temporal_impl.patterns.affinity import Affinity
from temporal_impl.patterns.approval import Approval, ask
from temporal_impl.patterns.batch import Batch, Child
from temporal_impl.patterns.branch import Branch, look
from temporal_impl.patterns.cancel import Cancel, long_until_cancelled
from temporal_impl.patterns.chain import Chain, add_one
from temporal_impl.patterns.checkpoint import Checkpoint, long_with_checkpoint
from temporal_impl.patterns.dynamic import AnyJob, any_step
from temporal_impl.patterns.events import Events
from temporal_impl.patterns.fan_out import FanOut, join, part
from temporal_impl.patterns.idempotent_start import IdempotentStart
from temporal_impl.patterns.isolation import Isolated
from temporal_impl.patterns.local_step import LocalStep
from temporal_impl.patterns.long_job import LongJob, iterate
from temporal_impl.patterns.priority import Prioritised
from temporal_impl.patterns.progress import Progress, long_with_progress
from temporal_impl.patterns.rate_limit import RateLimited
from temporal_impl.patterns.retries import Retries, flaky
from temporal_impl.patterns.routing import Routing
from temporal_impl.patterns.saga import Saga, refused
from temporal_impl.patterns.schedule import Tick
from temporal_impl.patterns.start import Start
from temporal_impl.patterns.steps import work
from temporal_impl.patterns.visibility import Visibility

# All but that of `deploy`, of which a worker has one version or the other.
WORKFLOWS: Sequence[type] = (
    Affinity,
    AnyJob,
    Approval,
    Batch,
    Branch,
    Cancel,
    Chain,
    Checkpoint,
    Child,
    Events,
    FanOut,
    IdempotentStart,
    Isolated,
    LocalStep,
    LongJob,
    Prioritised,
    Progress,
    RateLimited,
    Retries,
    Routing,
    Saga,
    Start,
    Tick,
    Visibility,
)

CPU_STEPS: Sequence[Callable[..., Any]] = (
    add_one,
    any_step,
    ask,
    flaky,
    iterate,
    join,
    look,
    part,
    refused,
    work,
)

GPU_STEPS: Sequence[Callable[..., Any]] = (
    long_until_cancelled,
    long_with_checkpoint,
    long_with_progress,
    work,
)
