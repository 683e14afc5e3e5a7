"""Which workflows and activities a worker has, by its role and the workloads that it serves."""

from shared.policy import Queue
from shared.runtime import Runtime
from temporal_impl.workload import Served
from temporal_impl.workloads import WORKLOADS


def served(role: Queue, runtime: Runtime) -> Served:
    """Return what a worker of this role registers."""
    parts = [
        runs.served(role, runtime)
        for name, runs in WORKLOADS.items()
        if name in runtime.settings.workloads
    ]
    return Served(
        workflows=[workflow for part in parts for workflow in part.workflows],
        activities=[activity for part in parts for activity in part.activities],
    )
