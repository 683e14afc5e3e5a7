"""The rows of the capability matrix: what each pattern is given, runs and returns.

A pattern's name is the name of its module in `celery_impl/patterns/` and
`temporal_impl/patterns/`. Every step writes the ledger under its job's name. Steps are for the CPU
workers unless `gpu` is said. All values are as JSON carries them. This file needs nothing but the
standard library: the `capabilities` command reads it too.

Workers are processes of `python -m <engine>_impl.patterns.worker --role ROLE [--version VERSION]`:

- `cpu`: at most CHANGEOVER_CPU_SLOTS steps at once, and whatever else the engine has to have
  running: workflows, a scheduler;
- `gpu`: one step at once, GPU steps only;
- `all`: both.

Version `v1` is what runs unless said otherwise; `v2` is the later deployment of row 20. A worker
announces itself among the workers, under CHANGEOVER_WORKER_NAME, once it takes work. The suite
sends SIGTERM to stop one and SIGKILL to its process group to break one, and expects a dead
worker's steps to be handed out again within CHANGEOVER_DETECTION_BUDGET_S. Nothing runs for longer
than half of that in one step, except the `long` step of rows 9 to 11.
"""

from typing import NamedTuple


class Row(NamedTuple):
    """One pattern."""

    id: int
    name: str
    pattern: str
    """The name of the pattern and of its modules."""
    asks: str
    """What is given, which steps run, what the job's value is, and what is judged."""


ROWS = (
    Row(
        1,
        "start and return at once",
        "start",
        "given {work_s}: one step `work` that naps. `start` returns before `work` has finished; "
        "it runs exactly once.",
    ),
    Row(
        2,
        "idempotent start",
        "idempotent_start",
        "given {work_s}: one step `work`. The same name twice in a row, eight times at once from "
        "two processes, and once more afterwards: `work` starts once.",
    ),
    Row(
        3,
        "chain",
        "chain",
        "given {}: steps `one`, `two`, `three`, each adds 1 to the value of the one before, the "
        "first to 0. Value 3; each starts after the one before has finished.",
    ),
    Row(
        4,
        "fan-out / fan-in",
        "fan_out",
        "given {n, work_s}: steps `part/0` to `part/<n-1>` in parallel, each naps and returns its "
        "index, then `join` once. Value: the sum of the indices.",
    ),
    Row(
        5,
        "conditional branch",
        "branch",
        "given {number}: step `look` returns `even` or `odd`, and the step of that name runs, the "
        "other does not. Value: its name.",
    ),
    Row(
        6,
        "wait for outside events with a deadline",
        "events",
        "given {names, deadline_s}: step `after` once every named event has come, in any order, "
        "each more than once, from several processes. Value: {name: first value}. At deadline_s "
        "from the start: TIMED_OUT with the value of those that came, and no `after`. The same "
        "if workers were down when events came or the deadline passed.",
    ),
    Row(
        7,
        "retries with backoff, and errors that are never retried",
        "retries",
        "given {failures, refuse}: step `flaky`, at most 3 attempts in all, each delay at least "
        "0.2 s and clearly longer than the one before. Value: the number of the attempt that "
        "worked; FAILED after 3, and after 1 if refused.",
    ),
    Row(
        8,
        "compensation (saga)",
        "saga",
        "given {slow, slow_s}: steps `do_a`, `do_b`, and `do_c`, which is refused; then `undo_b`, "
        "`undo_a`; FAILED. The step named `slow` naps. Also if a worker is killed in `do_b` or "
        "in `undo_b`: what was done is undone, in reverse order.",
    ),
    Row(
        9,
        "cancel a running GPU step",
        "cancel",
        "given {total, every_s}: step `long` (gpu) counts. A cancel stops it: a CANCELLED record, "
        "no FINISHED, state CANCELLED.",
    ),
    Row(
        10,
        "progress and status without a worker",
        "progress",
        "given {total, every_s}: step `long` (gpu) counts. With every worker killed the state is "
        "OPEN with 0 < done < total. Value: total.",
    ),
    Row(
        11,
        "resume from a checkpoint",
        "checkpoint",
        "given {total, every_s}: step `long` (gpu) counts; its worker is killed. The next attempt "
        "begins past 0 and not past what was done. Value: total.",
    ),
    Row(
        12,
        "GPU / CPU routing",
        "routing",
        "given {}: step `prepare`, then `render` (gpu), each on a worker of its role. No value is "
        "asked for.",
    ),
    Row(
        13,
        "affinity: two steps on the same worker",
        "affinity",
        "given {use_s}: step `fetch`, then `use`, which naps, in the same process, whichever took "
        "`fetch`. Jobs spread over workers. If that worker dies before `use` has finished, another "
        "runs `fetch` and `use`.",
    ),
    Row(
        14,
        "schedule with pause, trigger now and change",
        "schedule",
        "no job: step `tick` under the schedule's name. Pause, go on, trigger, change of period, "
        "delete; two workers, one of them killed, give no tick twice.",
    ),
    Row(
        15,
        "human approval (asynchronous completion)",
        "approval",
        "given {}: step `ask` hands out a token and frees its slot. Value: what it is completed "
        "with.",
    ),
    Row(
        16,
        "priority and fairness between tenants",
        "priority",
        "given {tenant, urgent, work_s}: one step `work` that naps. On one slot, with twelve jobs "
        "of tenant a queued, then four of b and an urgent one of a: the urgent one overtakes all "
        "but what is on its way to the slot, and b's are not all behind a's.",
    ),
    Row(
        17,
        "rate limit",
        "rate_limit",
        "given {per_s}, the same for all its jobs: one step `limited`. Over two workers, n of them "
        "take at least (n - 1) / per_s - 1 seconds from the first start to the last: a burst of a "
        "second's worth is allowed, a limit per worker is not enough.",
    ),
    Row(
        18,
        "child jobs and a batch of 1,000",
        "batch",
        "given {n, work_s}: n child jobs, each with one step, `child/0` to `child/<n-1>`, that "
        "naps and is recorded under the parent's name. Value: n, once every child has finished. "
        "Also if a worker is killed half-way, amid a child.",
    ),
    Row(
        19,
        "very long job",
        "long_job",
        "given {iterations}: step `iteration` records PROGRESS (done = 1 to iterations), cheaply. "
        "Value: iterations. `size` does not grow with them. Also if the worker is killed.",
    ),
    Row(
        20,
        "deploy new code while jobs are in flight",
        "deploy",
        "given {}: step `before`, then the event `go`, then step `old_way` if the job began under "
        "v1 and `new_way` if under v2, whichever worker runs it. Value: the step's name.",
    ),
    Row(
        21,
        "visibility: the full history of one job afterwards",
        "visibility",
        "given {}: steps `first`, `flaky` (fails once), `last`. The history names them in order, "
        "with times and the failed attempt's error.",
    ),
    Row(
        22,
        "local (short, cheap) step",
        "local_step",
        "given {n}: steps `cheap/0` to `cheap/<n-1>`, all in the process that runs the job's own "
        "code, each once. Value: n.",
    ),
    Row(
        23,
        "dynamic handler: a job type unknown at deploy time",
        "dynamic",
        "given {type}: one step, named as the type, which no worker has been told of. Value: the "
        "type.",
    ),
    Row(
        24,
        "isolation of environments",
        "isolation",
        "given {}: one step `work`. Value: the environment's CHANGEOVER_NAMESPACE. The same name "
        "in two environments on the same servers and the same database is two jobs.",
    ),
)
