"""Faults that end a worker's process; the supervisor's restart, equal for every arm, heals them."""

import os
import signal
import time

from bench.arms.ending import end_within_grace, kill_at_once
from bench.arms.process_table import children_of, until_state
from bench.arms.topology import WORKERS, Role
from bench.faults.fault import Facts, Fault, NotStruck
from shared.domain.impact import Impact

_BY_RESTART = "the supervisor starts the worker again"


class WorkerFault(Fault):
    """A fault after which the worker must load its model anew."""

    outlived = False
    """Whether the process that the supervisor started outlives the fault."""

    def healed(self) -> bool:
        """Whether another process runs in its place, a GPU worker with its model loaded since."""
        if self.place.exited():
            return False
        if self.place.spec.role != Role.GPU:
            return self.outlived or self.place.pid != self.target.pid
        return any(
            load.worker == self.target.worker and load.mono_s > self.struck_at
            for load in self.context.tail.model_loads
        )


class Sigkill(WorkerFault):
    """SIGKILL to the worker's whole process group at once: main process and children."""

    facts = Facts(
        name="sigkill",
        impact=Impact.KILLED,
        row=2,
        title="Worker killed (SIGKILL)",
        role="GPU worker",
        moment="generate_image at 25-75 %",
        heals_by=_BY_RESTART,
        one="kill",
        many="kills",
        mark="SIGKILL",
        places=frozenset(Role),
    )

    async def inject(self) -> float:
        """Kill, and return when the signal was sent."""
        return await kill_at_once(self.place)


class ChildSigkill(WorkerFault):
    """SIGKILL to the process that computes, and to no other."""

    facts = Facts(
        name="child-sigkill",
        impact=Impact.CHILD_KILLED,
        row=1,
        title="Pool child killed (SIGKILL)",
        role="pool child of a GPU worker",
        moment="generate_image at 25-75 %",
        heals_by="the worker's pool starts another child",
        one="kill",
        many="kills",
        mark="SIGKILL",
        absent={"temporal": "as run here, a worker computes in threads: it has no child"},
        places=WORKERS,
    )
    outlived = True

    async def inject(self) -> float:
        """Kill the child that the ledger names; else one that is at work, or any."""
        child = self._a_child() if self.strikes_a_place else self.target.pid
        at = time.monotonic()
        try:
            os.kill(child, signal.SIGKILL)
        except ProcessLookupError:
            raise NotStruck(f"process {child} was gone before it could be killed") from None
        if self.strikes_a_place:
            await until_state(child, "Z", "")
            self.detail = f"child {child}"
        return at

    def _a_child(self) -> int:
        children = children_of(self.place.pid)
        if not children:
            raise NotStruck("the worker has no child yet")
        at_work = [attempt[-1].pid for attempt in self.at_work if attempt[-1].pid in children]
        child = (at_work or children)[0]
        self.at_work = [attempt for attempt in self.at_work if attempt[-1].pid == child]
        return child


class ToldToStop(WorkerFault):
    """SIGTERM to the worker's main process, and SIGKILL to its group once the grace is over."""

    async def inject(self) -> float:
        """Ask to stop."""
        self._pid, at = self.place.pid, time.monotonic()
        self.place.terminate()
        return at

    async def hold(self) -> None:
        """Wait the grace, then kill."""
        await end_within_grace(self.place, self._pid)


class Sigterm(ToldToStop):
    """The worker is told to stop long before its step can end."""

    facts = Facts(
        name="sigterm",
        impact=Impact.STOPPED,
        row=4,
        title="Worker told to stop (SIGTERM)",
        role="GPU worker",
        moment="generate_image at 25-75 %",
        heals_by=_BY_RESTART,
        one="stop",
        many="stops",
        mark="SIGTERM",
        places=WORKERS | {Role.FACADE},
    )


class SigtermShort(ToldToStop):
    """The worker is told to stop when its step is about to end."""

    facts = Facts(
        name="sigterm-short",
        impact=Impact.STOPPED,
        row=3,
        title="Worker told to stop (SIGTERM) as its step is about to end",
        role="GPU worker",
        moment="generate_image at 70-85 %, so that the rest fits into the grace",
        heals_by=_BY_RESTART,
        one="stop",
        many="stops",
        mark="SIGTERM",
        at=(0.7, 0.85),
    )
