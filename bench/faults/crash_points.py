"""What is known of the crash points: faults that no signal from outside can time.

A cell strikes from outside, when the ledger shows its moment. Between an effect and its commit
there is nothing to see, so a worker strikes itself there: `bench/trials/idempotency` runs these.
"""

from bench.faults.experiments import EXPERIMENTS, Awake, Experiment
from bench.faults.fault import Facts
from shared.crash_points import CrashAction, Moment

_PHASES, _EXPERIMENTS = "chaos phases", "chaos idempotency"
_CRASH_AFTER_EFFECT, _REPLY_LOST = 15, 19
_BY_RESTART = "the supervisor starts the worker again"
_AWAKE = {
    Awake.BESIDE_SUCCESSOR: "SIGCONT once another attempt computes",
    Awake.AFTER_SUCCESSOR: "SIGCONT once another attempt has finished the step",
}


def _facts(experiment: Experiment) -> Facts:
    point = experiment.point
    if point is None:
        return Facts(
            name="reply-dropped",
            row=_REPLY_LOST,
            title=experiment.title,
            role="effect sink",
            moment=f"the first {experiment.step} of each job",
            heals_by="the sink answers the next call",
            step=experiment.step,
            run_by=_EXPERIMENTS,
        )
    kills = point.action is CrashAction.KILL
    after = point.moment in (Moment.AFTER_EFFECT, Moment.AFTER_COMMIT)
    return Facts(
        name=str(point),
        row=_CRASH_AFTER_EFFECT if kills and after else None,
        title=experiment.title,
        role=f"{experiment.role.upper()} worker",
        moment=f"{experiment.step}, {point.moment.replace('_', ' ')}",
        heals_by=_AWAKE[experiment.awake] if experiment.awake else _BY_RESTART,
        step=experiment.step,
        run_by=_PHASES if kills else _EXPERIMENTS,
    )


CRASH_POINTS: list[Facts] = [_facts(experiment) for experiment in EXPERIMENTS.values()]
"""In the order of the experiments; the names are those of `CHANGEOVER_CRASH_POINT`."""
