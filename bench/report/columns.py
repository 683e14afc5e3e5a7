"""Which measures stand in which table."""

from bench.record.metrics import Bucket
from bench.report import measures as m
from bench.report.tables import Column
from bench.report.words import fault_words


def fault_columns(fault: str) -> list[Column]:
    """The main table of cells that one kind of fault hit."""
    words = fault_words(fault)
    return [
        Column(
            "confirmed",
            f"{words.many.capitalize()} confirmed",
            "Faults that hit a running step, as the ledger shows, of those tried.",
            m.confirmed,
        ),
        Column(
            "lost",
            "Lost",
            "Accepted jobs that never ended and of which the engine holds no trace, or whose "
            f"recovery bound has passed; below it the rate per {words.one} with its 95 % interval.",
            m.lost,
            brief=True,
        ),
        Column(
            "unrecovered",
            "Unrecovered at T",
            "Accepted jobs that had not ended T after the last arrival but that the engine still "
            "holds: late, not lost. Bound: the predicted one, from the engine's settings.",
            m.unrecovered,
            brief=True,
        ),
        Column(
            "re_executions",
            "Re-executions",
            "Attempts of a step beyond its first.",
            m.re_executions,
        ),
        Column(
            "duplicate_executions",
            "Duplicate executions",
            "Attempts of a step beyond the first that finished the work.",
            m.duplicate_executions,
        ),
        Column(
            "duplicate_effects",
            "Duplicate effects",
            "Effects that the outside world applied more than once.",
            m.duplicate_effects,
            brief=True,
        ),
        Column(
            "recovery",
            "Recovery, median",
            f"From the {words.one} until the next attempt of the step was at work.",
            m.recovery,
            brief=True,
        ),
        Column(
            "handed_out",
            "Handed out, median",
            f"From the {words.one} until a worker had the step again, which may then wait for the "
            "dead attempt's lease; below it the slowest, and the bound by the engine's settings.",
            m.handed_out,
        ),
        Column(
            "wasted",
            f"Device time wasted per {words.one}",
            "Busy seconds of the device that added nothing to the result, by cause.",
            m.wasted,
            brief=True,
        ),
        Column("verdict", "Verdict", "The worst of the cell's checks.", m.verdict),
    ]


CONTROL_COLUMNS = [
    Column("jobs", "Jobs", "Jobs submitted.", m.jobs),
    Column("completed", "Completed", "Ended well, with every effect.", m.bucket(Bucket.COMPLETED)),
    Column("lost", "Lost", "As above.", m.bucket(Bucket.LOST, bad=True), brief=True),
    Column("re_executions", "Re-executions", "As above.", m.re_executions),
    Column("duplicate_effects", "Duplicate effects", "As above.", m.duplicate_effects, brief=True),
    Column(
        "accept_latency",
        "Accept latency, median",
        "From the moment the schedule wanted the request sent to the 202.",
        m.accept_latency,
    ),
    Column(
        "end_to_end",
        "End to end, median",
        "From the moment the schedule wanted the request sent to the job's end.",
        m.end_to_end,
        brief=True,
    ),
    Column("goodput", "Goodput", "Useful over busy device time.", m.goodput),
    Column("verdict", "Verdict", "The worst of the cell's checks.", m.verdict),
]

MORE_COLUMNS = [
    Column("jobs", "Jobs", "Jobs submitted.", m.jobs),
    *(
        Column(
            kind.value,
            kind.value.capitalize(),
            f"Jobs in the bucket {kind.value}.",
            m.bucket(kind, bad=kind in {Bucket.PHANTOM, Bucket.UNKNOWN}),
        )
        for kind in Bucket
        if kind not in {Bucket.LOST, Bucket.UNRECOVERED}
    ),
    Column(
        "stuck",
        "Stuck",
        "Unrecovered jobs that, by their engine's own account, cannot go on by themselves.",
        m.stuck,
    ),
    Column(
        "resumption",
        "Resumption, median",
        "From the fault until the new attempt passes the point reached before.",
        m.resumption,
    ),
    Column(
        "penalty",
        "Completion penalty, median",
        "A hit job's duration less the median of the arm's unfaulted jobs.",
        m.penalty,
    ),
    Column("overlap", "Overlap", "Time in which two attempts of one step ran at once.", m.overlap),
    Column("goodput", "Goodput", "Useful over busy device time.", m.goodput),
    Column("accept_latency", "Accept latency, median", "From the intended send.", m.accept_latency),
    Column("end_to_end", "End to end, median", "From the intended send.", m.end_to_end),
    Column(
        "schedule_lag",
        "Schedule lag, median",
        "How late the load generator itself was.",
        m.schedule_lag,
    ),
]
