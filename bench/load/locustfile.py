"""Users that submit a job, follow it to its end and fetch what it made.

Open loop: arrivals come by a seeded schedule, whether or not earlier jobs are done, and
every operation is recorded with the time at which the schedule wanted it. SIGUSR1 ends the
arrivals; the process ends by itself once the jobs in flight are over.
"""

import hashlib
import json
import os
import random
import signal
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gevent
from gevent.event import Event
from gevent.queue import Empty, Queue
from locust import FastHttpUser, constant, events, task
from locust.env import Environment

from bench.load.plan import ANSWER_LIMIT_S, PLAN_VARIABLE, USERS, LoadPlan, image_bodies, read_plans

_SUBMIT_TRIES = 5
# Longer than a facade takes to be started again: without an answer nobody knows of the job.
_UNANSWERED_LIMIT_S = 30.0
# An idle user costs nothing while it waits, and a turn of Locust's loop when it stops waiting.
_IDLE_S = 30.0
_TERMINAL = {"succeeded", "failed", "cancelled", "timed_out"}


class Arrivals:
    """The schedule: puts one request at a time into a queue, at its intended time."""

    def __init__(self, plan: LoadPlan) -> None:
        self._plan = plan
        self._ended = Event()
        self.due: Queue[tuple[int, float, dict[str, Any]]] = Queue()
        self.in_flight = 0

    def run(self) -> None:
        """Schedule until told to stop."""
        at = time.monotonic() + self._plan.delay_s
        for number, (gap_s, body) in enumerate(requests(self._plan)):
            at += gap_s
            if self._ended.wait(timeout=max(0.0, at - time.monotonic())):
                return
            self.in_flight += 1
            self.due.put((number, at, body))

    def end(self) -> None:
        """Let no further request arrive."""
        self._ended.set()

    @property
    def over(self) -> bool:
        """Whether the last request has been seen to its end."""
        return self._ended.is_set() and self.in_flight == 0


def requests(plan: LoadPlan) -> Iterator[tuple[float, dict[str, Any]]]:
    """Yield `(seconds since the request before, body)` for ever; the seed decides it all."""
    # Arrivals and bodies are drawn apart, so that a change to one leaves the other as it was.
    gaps, rng = random.Random(f"gaps:{plan.seed}"), random.Random(f"bodies:{plan.seed}")
    bodies = image_bodies(rng, n=plan.n, steps=plan.steps, width=plan.width, height=plan.height)
    for body in bodies:
        yield _gap_s(plan, gaps), body


def _gap_s(plan: LoadPlan, gaps: random.Random) -> float:
    if plan.arrivals == "even":
        return gaps.uniform(0.75, 1.25) / plan.rate_per_s
    return gaps.expovariate(plan.rate_per_s)


class Recorder:
    """Appends client operations to the history."""

    def __init__(self, plan: LoadPlan) -> None:
        self._cell = plan.cell
        self._out = Path(plan.out).open("a", buffering=1)  # noqa: SIM115 - open as long as the process

    def __call__(self, op: str, phase: str, op_id: str, **fields: Any) -> None:
        row = {
            "cell": self._cell,
            "op": op,
            "phase": phase,
            "op_id": op_id,
            "wall_s": time.time(),
            "mono_s": time.monotonic(),
            **fields,
        }
        self._out.write(json.dumps(row) + "\n")


class Customer(FastHttpUser):
    """Takes the next arrival of its arm and follows its job to the end."""

    abstract = True
    plan: LoadPlan
    arrivals: Arrivals
    record: Recorder

    wait_time = constant(0)
    connection_timeout = ANSWER_LIMIT_S
    network_timeout = ANSWER_LIMIT_S

    @task
    def order(self) -> None:
        """Submit, follow, fetch."""
        try:
            number, intended, body = self.arrivals.due.get(timeout=_IDLE_S)
        except Empty:
            return
        try:
            job_id = self._submit(number, intended, body)
            if job_id is not None:
                self._fetch(job_id, self._follow(job_id))
        finally:
            self.arrivals.in_flight -= 1

    def _submit(self, number: int, intended: float, body: dict[str, Any]) -> str | None:
        op_id = uuid.uuid4().hex
        key = f"{self.plan.key_prefix}-{number}"
        headers = {"Idempotency-Key": key}
        refused, give_up_at = 0, time.monotonic() + _UNANSWERED_LIMIT_S
        while refused < _SUBMIT_TRIES and time.monotonic() < give_up_at:
            self.record(
                "submit",
                "invoke",
                op_id,
                intended_mono_s=intended,
                detail=json.dumps(body),
                key=key,
            )
            with self.client.post(
                "/v1/jobs/image-generation",
                json=body,
                headers=headers,
                name="submit",
                catch_response=True,
            ) as answer:
                status = answer.status_code
                if status == 202:
                    job_id: str = answer.json()["job_id"]
                    self.record("submit", "ok", op_id, job_id=job_id, http_status=status)
                    return job_id
                if 400 <= status < 500:
                    self.record(
                        "submit", "fail", op_id, http_status=status, detail=answer.text[:300]
                    )
                    return None
                # A 503 was refused for certain, and another try is a new operation. Without an
                # answer the outcome is not known until another try with the same key tells.
                phase = "fail" if status == 503 else "info"
                self.record(
                    "submit", phase, op_id, http_status=status, detail=str(answer.error)[:300]
                )
                if status == 503:
                    refused += 1
                    op_id = uuid.uuid4().hex
            gevent.sleep(1)
        return None

    def _follow(self, job_id: str) -> dict[str, Any]:
        op_id = uuid.uuid4().hex
        seen, pause = None, self.plan.follow_first_s
        while True:
            gevent.sleep(pause)
            pause = min(pause * 1.3, self.plan.follow_most_s)
            with self.client.get(
                f"/v1/jobs/{job_id}", name="follow", catch_response=True
            ) as answer:
                if answer.status_code == 200:
                    view: dict[str, Any] = answer.json()
                    if view["status"] != seen:
                        seen = view["status"]
                        self.record(
                            "follow", "ok", op_id, job_id=job_id, status=seen, http_status=200
                        )
                    if seen in _TERMINAL:
                        return view
                else:
                    self.record(
                        "follow", "info", op_id, job_id=job_id, http_status=answer.status_code
                    )

    def _fetch(self, job_id: str, view: dict[str, Any]) -> None:
        for artifact in view["artifacts"]:
            op_id = uuid.uuid4().hex
            with self.client.get(artifact["url"], name="fetch", catch_response=True) as answer:
                whole = hashlib.sha256(answer.content or b"").hexdigest() == artifact["sha256"]
                self.record(
                    "fetch",
                    "ok" if answer.status_code == 200 and whole else "info",
                    op_id,
                    job_id=job_id,
                    http_status=answer.status_code,
                    detail=artifact["name"],
                )


def customers(plan: LoadPlan) -> type[Customer]:
    """Return the users of one arm: Locust has a class for those who ask at one address."""
    return type(
        f"Customer-{plan.cell}",
        (Customer,),
        {
            "abstract": False,
            "plan": plan,
            "arrivals": Arrivals(plan),
            "record": Recorder(plan),
            "fixed_count": USERS,
            **({"host": plan.url} if plan.url else {}),
        },
    )


KINDS = [customers(plan) for plan in read_plans(Path(os.environ[PLAN_VARIABLE]))]
# Locust looks for users among a file's names.
globals().update({f"Customer{place}": kind for place, kind in enumerate(KINDS)})


@events.test_start.add_listener  # type: ignore[untyped-decorator]
def _start(environment: Environment, **_: Any) -> None:
    gevent.signal_handler(signal.SIGUSR1, _end)
    for kind in KINDS:
        gevent.spawn(kind.arrivals.run)
    gevent.spawn(_quit_when_over, environment)


def _end() -> None:
    for kind in KINDS:
        kind.arrivals.end()


def _quit_when_over(environment: Environment) -> None:
    while not all(kind.arrivals.over for kind in KINDS):
        gevent.sleep(0.1)
    assert environment.runner is not None
    environment.runner.quit()
