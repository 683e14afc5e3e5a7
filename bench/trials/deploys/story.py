"""One way to deploy, from the first job until it is judged."""

from dataclasses import dataclass, field

from bench.checkers.by_job import by_cell
from bench.checkers.deploys import Fate, judge
from bench.load.workloads import WORKLOADS
from bench.record.history import History
from bench.record.run_info import CellInfo
from bench.trials.deploys.changes import DeployedArm
from bench.trials.live_arms import LiveArm
from shared.domain.jobs import IMAGE_GENERATION, Bound

BEFORE, AFTER = "before", "after"
_NO_FAULT = Bound(None, {}, "nothing is broken here")


@dataclass(frozen=True, slots=True)
class Deployed:
    """What came of one way to deploy. Seconds from the beginning of the deploy."""

    arm: str
    way: str
    engine: str
    before: Fate
    """Of the jobs that were under way."""
    after: Fate
    """Of those that were submitted once the new build was ready."""
    ready_s: float
    """When it was."""
    kept_s: float | None
    """When the last old worker that was left beside the new ones could go; None if none was left,
    or if it still was needed at the end."""
    replay: str
    """What `changeover replay` said of the first jobs beforehand; empty if it was not asked."""


@dataclass(slots=True)
class Story:
    """One way while it is being told."""

    live: LiveArm
    arm: DeployedArm
    history: History = field(default_factory=History)
    began_s: float = 0.0
    ready_s: float = 0.0
    kept_s: float | None = None
    replay: str = ""

    def cell(self, when: str) -> str:
        """Return the cell of the jobs that were submitted before the deploy, or after it."""
        return f"{self.arm.name}/{when}"

    @property
    def infos(self) -> dict[str, CellInfo]:
        """Its two cells, by when their jobs were submitted."""
        return {when: self._info(when) for when in (BEFORE, AFTER)}

    def _info(self, when: str) -> CellInfo:
        return CellInfo(
            id=self.cell(when),
            arm=self.arm.name,
            engine=self.arm.engine,
            profile=self.arm.profile,
            workload=IMAGE_GENERATION,
            compute="simulated",
            fault="deploy",
            trials=0,
            drain_s=0.0,
            predicted=_NO_FAULT,
            owed_effects=WORKLOADS[IMAGE_GENERATION].owed_effects,
        )


def judged(story: Story, history: History) -> Deployed:
    """Return what came of it, by the history of all."""
    cells = by_cell(story.infos.values(), history)
    before, after = (judge(cells[info.id], story.began_s) for info in story.infos.values())
    return Deployed(
        arm=story.arm.name,
        way=story.arm.way.name,
        engine=story.arm.engine,
        before=before,
        after=after,
        ready_s=story.ready_s - story.began_s,
        kept_s=story.kept_s,
        replay=story.replay,
    )
