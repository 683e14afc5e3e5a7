"""Faults that strike the process that would begin a job's next step, and not the step itself."""

from bench.arms.ending import kill_at_once
from bench.arms.supervisor import Managed
from bench.arms.topology import Role
from bench.faults.fault import Facts, Fault, NotStruck
from shared.domain.impact import Impact


class WorkflowWorkerSigkill(Fault):
    """The CPU worker is killed while a picture is about to be done.

    On Temporal it has the job's workflow in its cache and would begin the next step. On Celery
    nobody keeps a job: the worker of the last picture publishes the next step, which then waits for
    a CPU worker. An arm has one, so on both engines the next step waits for its restart.
    """

    facts = Facts(
        name="workflow-worker-sigkill",
        impact=Impact.KEEPER_KILLED,
        row=None,
        title="Worker that keeps the workflow killed (SIGKILL)",
        role="CPU worker, while a GPU worker goes on",
        moment="generate_image at 80-90 %",
        heals_by="the supervisor starts the worker again",
        at=(0.8, 0.9),
        one="kill",
        many="kills",
        mark="SIGKILL",
        whole_arm=True,
    )
    _pid = 0

    @property
    def place(self) -> Managed:
        """The arm's CPU worker."""
        workers = self.context.stack.workers
        return next(place for place in workers if place.spec.role == Role.CPU)

    async def inject(self) -> float:
        """Kill its group; return when the signal was sent."""
        if self.place.exited():
            raise NotStruck("the CPU worker was down")
        self._pid = self.place.pid
        return await kill_at_once(self.place)

    def healed(self) -> bool:
        """Whether another process has taken its place."""
        return self.place.pid != self._pid and not self.place.exited()
