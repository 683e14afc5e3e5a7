"""Steps that take longer than their lease: nothing is struck, or only the outside world refuses."""

import asyncio
import time

import httpx

from bench.faults.fault import Facts, Fault
from shared.domain.impact import Impact
from shared.domain.status import RecordKind
from shared.policy import CAPTURE_CREDITS, RELEASE_CREDITS

_POLL_S = 0.02
_OUTAGE_S = 20.0
_SINK_TIMEOUT_S = 5.0


class OverLease(Fault):
    """A healthy step takes longer than the detection budget. Nothing is struck."""

    facts = Facts(
        name="over-lease",
        impact=Impact.SLOWED,
        row=6,
        title="Healthy step longer than the detection budget",
        role="nothing",
        moment="generate_image once it has run for a whole detection budget",
        heals_by="nothing to heal",
        at=(0.05, 0.3),
        outlasts_lease=True,
    )

    async def inject(self) -> float:
        """Wait until the attempt has outlasted the budget; return the moment at which it did."""
        records = self.context.tail.by_attempt[self.target.attempt_id]
        began = next(r.mono_s for r in records if r.kind is RecordKind.WORKING)
        outlasted_at = began + self.context.detection_budget_s
        while time.monotonic() < outlasted_at:
            if any(record.kind.ends_attempt for record in records):
                raise TimeoutError("the step was over within the detection budget")
            await asyncio.sleep(_POLL_S)
        return outlasted_at

    def healed(self) -> bool:
        """Whether the attempt has ended."""
        records = self.context.tail.by_attempt[self.target.attempt_id]
        return any(record.kind.ends_attempt for record in records)


class RetryOverLease(Fault):
    """The outside world refuses a job's effect for so long that retries wait beyond the lease.

    The delays of `capture_credits` grow: 1, 2, 4, 8 s. Where a waiting retry is a message that is
    held by a worker, as on Celery, one that waits beyond the visibility timeout is handed out
    again and again.
    """

    facts = Facts(
        name="retry-over-lease",
        impact=Impact.UNHARMED,
        row=7,
        title="Effect refused for 20 s: the retry delay exceeds the detection budget",
        role="effect sink, for one job",
        moment="generate_image at 25-75 %, so that capture_credits comes to it",
        heals_by="the sink accepts the job's effect again after 20 s",
    )

    async def inject(self) -> float:
        """Tell the sink to refuse; return when it was told, once a first attempt was refused."""
        at = time.monotonic()
        await self._refuse()
        while not self._ended(CAPTURE_CREDITS, RecordKind.FAILED):
            if time.monotonic() > at + _OUTAGE_S:
                raise TimeoutError(f"no {CAPTURE_CREDITS} came to the sink while it refused")
            await asyncio.sleep(_POLL_S)
        return at

    async def hold(self) -> None:
        """Wait for the outage to end; the sink ends it by itself."""
        await asyncio.sleep(max(0.0, self.struck_at + _OUTAGE_S - time.monotonic()))

    def healed(self) -> bool:
        """Whether the effect was applied, or the job has given it up."""
        return any(
            self._ended(step, RecordKind.FINISHED) for step in (CAPTURE_CREDITS, RELEASE_CREDITS)
        )

    async def _refuse(self) -> None:
        url = self.context.stack.facade.spec.env["CHANGEOVER_EFFECTS_URL"]
        outage = {"effect": CAPTURE_CREDITS, "for_s": _OUTAGE_S}
        try:
            async with httpx.AsyncClient(base_url=url, timeout=_SINK_TIMEOUT_S) as sink:
                answer = await sink.put(f"/outages/{self.target.job_id}", json=outage)
                answer.raise_for_status()
        except httpx.HTTPError as error:
            raise TimeoutError(f"the effect sink was not told to refuse: {error!r}") from error

    def _ended(self, step: str, kind: RecordKind) -> bool:
        """Whether an attempt of the job's step has ended like this."""
        return any(
            (record.job_id, record.step, record.kind) == (self.target.job_id, step, kind)
            for record in self.context.tail.records
        )
