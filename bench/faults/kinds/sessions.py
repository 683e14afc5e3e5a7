"""Faults of a session's files: late, before the session is there, missing, twice."""

import asyncio
import time
import uuid
from abc import abstractmethod
from dataclasses import dataclass

from bench.faults.fault import Facts, Observation
from bench.faults.kinds.client import OwnJob
from bench.load.client import Client
from bench.load.faces import other_image, session_files
from shared.domain.faces import FACE_SIMILARITY, IMAGE, VIDEO
from shared.domain.status import JobStatus

DEADLINE_S = 12.0
SESSION_ENV = {"CHANGEOVER_INPUT_DEADLINE_S": str(DEADLINE_S)}
PATIENCE_S = 10.0
_LATE = (0.5, 0.8)
_TIMED_OUT_WITHIN_S = DEADLINE_S + 20.0

# A file whose first try got no answer is found to be there already.
_FILLED, _FILLED_BEFORE, _UNKNOWN_JOB, _CONFLICT = (201, 200), (200,), (404,), (409,)


@dataclass(frozen=True, slots=True)
class _Brought:
    """A file that was brought, and what was answered."""

    slot: str
    expected: tuple[int, ...]
    answered: int | None


class SessionFault(OwnJob):
    """Opens a session and brings files; what is answered must be what is promised."""

    async def inject(self) -> float:
        """Open the session and do with its files what the fault is about."""
        self._brought: list[_Brought] = []
        async with self.client() as client:
            return await self.carry_out(client)

    @abstractmethod
    async def carry_out(self, client: Client) -> float:
        """Do so with this client; return the moment at which the fault struck."""

    async def opened(self, client: Client) -> str:
        """Open a session, which the fault is then about; `TimeoutError` if none is accepted."""
        body = {"user_id": f"user-{self.context.rng.randrange(100)}", "session_id": "chaos"}
        answer = await client.submit_until_answered(body, uuid.uuid4().hex, PATIENCE_S)
        if answer.job_id is None:
            raise TimeoutError(f"no session was opened: {answer.status} {answer.text[:200]}")
        self.about(answer.job_id)
        return answer.job_id

    async def bring(
        self,
        client: Client,
        job_id: str,
        slot: str,
        expected: tuple[int, ...] = _FILLED,
        data: bytes | None = None,
    ) -> None:
        """Bring a file, by default the one that belongs into the slot."""
        content = session_files()[slot] if data is None else data
        answer = await client.put(job_id, slot, content, limit_s=PATIENCE_S)
        self._brought.append(_Brought(slot, expected, answer.status))

    def observed(self) -> Observation:
        """Each file was answered as the documentation says."""
        for file in self._brought:
            if file.answered not in file.expected:
                what = f"the {file.slot} was answered {file.answered}, not {file.expected[0]}"
                return Observation(False, what)
        return Observation(True, ", ".join(f"{f.slot} {f.answered}" for f in self._brought))


class InputLate(SessionFault):
    """The second file comes when more than half of the session's time is over."""

    facts = Facts(
        name="input-late",
        row=16,
        title="Second file late",
        role="client",
        moment="at 50-80 % of the session's deadline",
        heals_by="the file comes",
        aimed=False,
        workload=FACE_SIMILARITY,
        env=SESSION_ENV,
    )

    async def carry_out(self, client: Client) -> float:
        job_id = await self.opened(client)
        at = time.monotonic()
        await self.bring(client, job_id, IMAGE)
        await asyncio.sleep(self.context.rng.uniform(*_LATE) * DEADLINE_S)
        await self.bring(client, job_id, VIDEO)
        return at


class InputEarly(SessionFault):
    """A file comes before its session is there, and once more when it is."""

    facts = Facts(
        name="input-early",
        row=16,
        title="File before its session",
        role="client",
        moment="before the session is opened",
        heals_by="the client brings the file again",
        aimed=False,
        workload=FACE_SIMILARITY,
        env=SESSION_ENV,
    )

    async def carry_out(self, client: Client) -> float:
        at = time.monotonic()
        await self.bring(client, str(uuid.uuid4()), IMAGE, _UNKNOWN_JOB)
        job_id = await self.opened(client)
        await self.bring(client, job_id, IMAGE)
        await self.bring(client, job_id, VIDEO)
        return at


class InputMissing(SessionFault):
    """The second file never comes: the deadline ends the session."""

    facts = Facts(
        name="input-missing",
        row=16,
        title="Second file never",
        role="client",
        moment="after the first file",
        heals_by="the session's deadline",
        aimed=False,
        workload=FACE_SIMILARITY,
        env=SESSION_ENV,
    )
    _status: JobStatus | None = None

    async def carry_out(self, client: Client) -> float:
        job_id = await self.opened(client)
        await self.bring(client, job_id, IMAGE)
        return time.monotonic()

    async def hold(self) -> None:
        """Wait for the deadline, and for what follows from it."""
        async with self.client() as client:
            await client.until_over([self.target.job_id], _TIMED_OUT_WITHIN_S)
            self._status = await client.status(self.target.job_id)

    def healed(self) -> bool:
        """Whether the session has ended as one whose time is over."""
        return self._status is JobStatus.TIMED_OUT


class InputDuplicate(SessionFault):
    """A file comes twice, and then another one for the same slot."""

    facts = Facts(
        name="input-duplicate",
        row=16,
        title="The same file twice, and another in its place",
        role="client",
        moment="between the first file and the second",
        heals_by="nothing is to be healed: the first file counts",
        aimed=False,
        workload=FACE_SIMILARITY,
        env=SESSION_ENV,
    )

    async def carry_out(self, client: Client) -> float:
        job_id = await self.opened(client)
        await self.bring(client, job_id, IMAGE)
        at = time.monotonic()
        await self.bring(client, job_id, IMAGE, _FILLED_BEFORE)
        await self.bring(client, job_id, IMAGE, _CONFLICT, other_image())
        await self.bring(client, job_id, VIDEO)
        return at
