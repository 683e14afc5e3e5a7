"""Arms that a run does without, because the machine has no server for them."""

from bench.arms.addresses import configured
from bench.arms.engines import BROKER_VARIABLE, broker_of
from bench.arms.rabbitmq import why_no_rabbitmq
from bench.errors import NotFit
from bench.record.run_info import AbsentCell
from bench.scenario.model import Scenario
from bench.trials.cell import cell_id


def leave_out(scenario: Scenario) -> tuple[Scenario, list[AbsentCell]]:
    """Return what of a scenario can be run here, and the cells that cannot.

    No package brings RabbitMQ, so it may be missing where all else is there. `NotFit` if nothing
    is left.
    """
    names = {name for stage in scenario.stages for name in stage.arms}
    names |= set(scenario.idempotency.arms if scenario.idempotency else ())
    names |= set(scenario.soak.arms if scenario.soak else ())
    on_rabbitmq = {name for name in names if broker_of(*name.split("/"))}
    here = not on_rabbitmq or configured(BROKER_VARIABLE)
    why = "" if here else why_no_rabbitmq()
    if not why:
        return scenario, []
    rest = scenario.without(on_rabbitmq)
    if rest is None:
        raise NotFit(why)
    absent = [
        AbsentCell(id=cell_id(stage, name, plan), why=why, fault=plan.fault, arm=name)
        for stage in scenario.stages
        for plan in stage.cells
        for name in stage.arms
        if name in on_rabbitmq
    ]
    return rest, absent
