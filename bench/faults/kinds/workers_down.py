"""Files come while the arm has no worker at all."""

import asyncio
import time

from bench.arms.ending import kill_at_once
from bench.faults.fault import Facts
from bench.faults.kinds.sessions import PATIENCE_S, SESSION_ENV, SessionFault
from bench.load.client import Client
from shared.domain.faces import FACE_SIMILARITY, IMAGE, VIDEO
from shared.domain.status import JobStatus

_DOWN_FOR_S = 2.0
_OVER_WITHIN_S = 45.0
_POLL_S = 0.1


class InputWhileWorkersDown(SessionFault):
    """Both files come while the arm has no worker at all."""

    facts = Facts(
        name="input-while-workers-down",
        row=16,
        title="Both files while every worker is down (SIGKILL)",
        role="client, and every worker",
        moment="while the session waits",
        heals_by="the supervisor starts the workers again",
        whole_arm=True,
        aimed=False,
        workload=FACE_SIMILARITY,
        env=SESSION_ENV,
    )
    _over = False

    async def carry_out(self, client: Client) -> float:
        job_id = await self.opened(client)
        await self._until_waiting(client, job_id)
        workers = self.context.stack.workers
        for worker in workers:
            worker.held = True
        at = await kill_at_once(*workers)
        await self.bring(client, job_id, IMAGE)
        await self.bring(client, job_id, VIDEO)
        return at

    async def _until_waiting(self, client: Client, job_id: str) -> None:
        give_up_at = time.monotonic() + PATIENCE_S
        while await client.status(job_id) is not JobStatus.WAITING:
            if time.monotonic() > give_up_at:
                raise TimeoutError(f"the session did not begin to wait in {PATIENCE_S:g} s")
            await asyncio.sleep(_POLL_S)

    async def hold(self) -> None:
        """Leave the arm without workers for a while; new ones then end the session.

        It takes a worker of each role to its end, so the next trial finds them all at work.
        """
        await asyncio.sleep(_DOWN_FOR_S)
        self.heal()
        async with self.client() as client:
            self._over = await client.until_over([self.target.job_id], _OVER_WITHIN_S)

    def heal(self) -> None:
        """Let the workers be started."""
        for worker in self.context.stack.workers:
            worker.held = False

    def healed(self) -> bool:
        """Whether new workers have seen the session to its end."""
        return self._over
