"""Faults that end a worker's process; the supervisor's restart, equal for every arm, heals them."""

import os
import signal
import time

from bench.arms.ending import end_within_grace, kill_at_once
from bench.faults.fault import Facts, Fault
from shared.domain.impact import Impact

_BY_RESTART = "the supervisor starts the worker again"


class WorkerFault(Fault):
    """A fault after which the worker must load its model anew."""

    def healed(self) -> bool:
        """Whether the worker that was struck has loaded its model since."""
        return any(
            load.worker == self.target.worker and load.mono_s > self.struck_at
            for load in self.ground.tail.model_loads
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
    )

    async def inject(self) -> float:
        """Kill, and return when the signal was sent."""
        return await kill_at_once(self.ground.stack.place(self.target.worker))


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
        absent={"temporal": "a worker computes in its own process, in threads: it has no child"},
    )

    async def inject(self) -> float:
        """Kill the child that the ledger names."""
        at = time.monotonic()
        try:
            os.kill(self.target.pid, signal.SIGKILL)
        except ProcessLookupError:
            raise TimeoutError(
                f"process {self.target.pid} was gone before it could be killed"
            ) from None
        return at


class ToldToStop(WorkerFault):
    """SIGTERM to the worker's main process, and SIGKILL to its group once the grace is over."""

    async def inject(self) -> float:
        """Ask to stop."""
        worker = self.ground.stack.place(self.target.worker)
        self._pid, at = worker.pid, time.monotonic()
        worker.terminate()
        return at

    async def hold(self) -> None:
        """Wait the grace, then kill."""
        await end_within_grace(self.ground.stack.place(self.target.worker), self._pid)


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
