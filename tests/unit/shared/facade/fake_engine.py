"""An engine in memory, which can be told to be down or to have closed its jobs."""

from dataclasses import dataclass, field

from shared.domain.errors import EngineUnavailable, JobOver
from shared.domain.ids import JobId
from shared.domain.impact import Impact
from shared.domain.jobs import Bound, EffectiveSetting, EngineHealth, EngineTrace, EngineView
from shared.domain.status import JobStatus
from shared.settings import Settings


@dataclass
class FakeEngine:
    """`Engine` that remembers what it was told."""

    name: str = "celery"
    down: bool = False
    status: JobStatus = JobStatus.WAITING
    closes_meanwhile: bool = False
    """Whether jobs end while their files arrive."""
    submitted: dict[str, str] = field(default_factory=dict)
    provided: list[tuple[str, str, str]] = field(default_factory=list)
    verdicts: list[tuple[str, bool, str]] = field(default_factory=list)

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    async def submit(self, job_id: JobId, workload: str, request: str) -> None:
        self._answer()
        self.submitted[job_id] = workload

    async def view(self, job_id: JobId) -> EngineView:
        return EngineView(self.status)

    async def provide(self, job_id: JobId, slot: str, sha256: str) -> None:
        self._answer()
        if self.closes_meanwhile:
            raise JobOver
        self.provided.append((job_id, slot, sha256))

    async def review(self, job_id: JobId, *, approved: bool, reviewer: str) -> None:
        self._answer()
        if self.status is not JobStatus.REVIEW:
            raise JobOver
        self.verdicts.append((job_id, approved, reviewer))

    async def cancel(self, job_id: JobId) -> None: ...

    async def health(self) -> EngineHealth:
        return EngineHealth(not self.down, "fake", "none")

    async def trace(self, job_id: JobId) -> EngineTrace:
        return EngineTrace(True, "here")

    async def stuck_jobs(self) -> int:
        self._answer()
        return len(self.submitted)

    def bounds(self) -> dict[Impact, Bound]:
        return {}

    def settings(self) -> list[EffectiveSetting]:
        return []

    def ui_url(self, job_id: JobId, workload: str) -> str | None:
        return None

    def _answer(self) -> None:
        if self.down:
            raise EngineUnavailable("the fake is down")


def create_engine(settings: Settings) -> FakeEngine:
    return FakeEngine(settings.backend)
