"""A power cut: everything of an arm dies in the same instant, its server too, and starts again."""

from bench.arms.ending import kill_at_once
from bench.arms.supervisor import Managed
from bench.faults.fault import Facts
from bench.faults.kinds.worker import WorkerFault
from shared.domain.impact import Impact


class PowerCut(WorkerFault):
    """SIGKILL to the server, the facade, the workers and the scheduler, all at once.

    The machine itself stays up, so what was handed to the kernel is written: a disk that loses
    its cache is not part of this.
    """

    facts = Facts(
        name="power-cut",
        impact=Impact.KILLED,
        row=None,
        title="Power cut: everything of the arm killed at once (SIGKILL)",
        role="server, facade, workers and scheduler",
        moment="generate_image at 25-75 %",
        heals_by="the supervisor starts everything again, the server on its data",
        whole_arm=True,
        own_server=True,
    )

    async def inject(self) -> float:
        """Kill everything; return when the first signal was sent."""
        places = [self.context.server_of_its_own(), *self.context.stack.processes]
        self._cut = {place: place.pid for place in places}
        return await kill_at_once(*places)

    def healed(self) -> bool:
        """Whether everything runs again, and every GPU worker has loaded its model since."""
        loaded = {
            load.worker for load in self.context.tail.model_loads if load.mono_s > self.struck_at
        }
        gpu_workers = [p for p in self.context.stack.workers if p.spec.role == "gpu"]
        return all(self._runs_again(place) for place in self._cut) and all(
            place.spec.name in loaded for place in gpu_workers
        )

    def _runs_again(self, place: Managed) -> bool:
        return place.pid != self._cut[place] and not place.exited()
