"""One attempt of one step in a process of its own, as a worker would run it; it may not survive.

`python -m tests.integration.crash_child JOB STEP ATTEMPT`, configured as a worker is. The attempt
runs in a second thread, as Temporal's do, or in the main one, as Celery's do.
"""

import sys
import threading

from shared.ports.step_context import StepContext
from shared.ports.step_host import StopReason
from shared.runtime import build_runtime
from shared.settings import Settings

STEPS = 4


class Host:
    """An engine's side of the attempt: it never wants it to stop."""

    def __init__(self, attempt: int) -> None:
        self.attempt = attempt

    def begin(self) -> None:
        return None

    def heartbeat(self, done: int, total: int, checkpoint: str | None) -> None:
        return None

    def resume_ref(self) -> str | None:
        return None

    def finish(self, result: str) -> None:
        return None

    def stop_reason(self) -> StopReason | None:
        return None


def work(ctx: StepContext) -> int:
    """Make some progress, then tell the world."""
    for done in range(STEPS + 1):
        ctx.progress(done, STEPS)
    ctx.apply("capture_credits", 1)
    return ctx.attempt


def main() -> None:
    """Run the attempt; the exit status is 1 if it failed."""
    job_id, step, attempt, thread = sys.argv[1:]
    runner = build_runtime(Settings.from_environment()).runner
    outcome: list[int] = []

    def run() -> None:
        outcome.append(runner.run(job_id, step, Host(int(attempt)), work, int))

    if thread == "main":
        run()
    else:
        other = threading.Thread(target=run)
        other.start()
        other.join()
    print(outcome[0] if outcome else "failed", flush=True)
    sys.exit(0 if outcome else 1)


if __name__ == "__main__":
    main()
