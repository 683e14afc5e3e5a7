"""Faults of a fan-out: one member of a job is struck beside another one."""

from bench.faults.fault import Facts, Observation
from bench.faults.kinds.worker import Sigkill
from bench.faults.target import others_at_work
from shared.domain.impact import Impact


class LostMember(Sigkill):
    """The worker of one member is killed, while another member of the job runs or is done."""

    facts = Facts(
        name="lost-member",
        impact=Impact.KILLED,
        row=17,
        title="One member of a fan-out lost with its worker (SIGKILL)",
        role="GPU worker that runs one of several pictures of a job",
        moment="generate_image at 25-75 %, with another picture of the job begun or done",
        heals_by=Sigkill.facts.heals_by,
        beside_another=True,
    )

    def observed(self) -> Observation:
        """The member was at work and died, and it was not the only one."""
        others = others_at_work(self.context.tail, self.target)
        if not others:
            return Observation(False, "no other member of the job had begun")
        seen = super().observed()
        return Observation(True, f"beside {', '.join(sorted(others))}") if seen.struck else seen
