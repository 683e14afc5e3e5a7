"""A story of twins: one arm under kills, and the same arm once more beside it."""

from dataclasses import replace

from bench.record.metrics import Check
from shared.domain.status import JobStatus
from tests.unit.bench.builder import ARM, CELL, Story, cell_info

TWIN = f"{CELL}-twin"
FEW = f"{CELL}-few"


class Twins(Story):
    """One arm and its twin under kills; cells of other names go to the twins' list."""

    def __init__(self, trials: int = 20, **changes: object) -> None:
        super().__init__(
            cell_info(fault="sigkill", trials=trials, **changes),
            cell_info(
                id=TWIN,
                arm=f"{ARM}-twin",
                fault="sigkill",
                trials=trials,
                twin_of=CELL,
                **changes,
            ),
        )

    def kills(self, cell: str, *, after: float, lost: int = 0, of: int = 20) -> "Twins":
        """Kills a minute apart; those that recover do so within 0.2 s around `after`."""
        for index in range(of):
            job, at = f"{cell}-{index}", 60.0 * index
            worker = f"{cell}-gpu"
            again = at + 6 + after + 0.2 * (index % 5 - 2) / 2
            self.submit(job, at, cell=cell)
            self.denoise(job, f"{job}-1", at=at, done=(0, 5), ends=None, worker=worker)
            self.fault(f"trial-{job}", job, f"{job}-1", at + 6, cell=cell, worker=worker)
            if index < lost:
                self.final(job, JobStatus.RUNNING, held=False, cell=cell, at=2000.0)
            else:
                self.denoise(job, f"{job}-2", at=again, worker=worker, pid=101)
                self.settled(job, again + 12).final(job, cell=cell, at=2000.0)
        return self

    def few(self, kills: int = 3) -> "Twins":
        """The same pair once more, under a handful of kills."""
        one = cell_info(id=FEW, fault="sigkill", trials=kills)
        other = replace(one, id=f"{FEW}-twin", arm=f"{ARM}-twin", twin_of=FEW)
        self.cells += [one, other]
        for cell in (one, other):
            self.kills(cell.id, after=5.0, of=kills)
        return self

    @property
    def alike(self) -> Check:
        """What the comparison found."""
        return self.alike_in(CELL)

    def alike_in(self, cell: str) -> Check:
        """What the comparison of one cell with its repetition found."""
        [pair] = [pair for pair in self.metrics().twins if pair.of == cell]
        [check] = [check for check in pair.checks if check.name == "twins alike"]
        return check
