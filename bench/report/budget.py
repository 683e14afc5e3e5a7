"""What the chosen detection budget costs each engine, in words."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bench.record.metrics import Budget, Notices
from bench.report.arms import arm_key
from bench.report.format import seconds
from bench.report.part import Part, called, template


@dataclass(frozen=True, slots=True)
class BudgetLine:
    """One arm: the setting that notices a dead worker, and what that setting forbids."""

    budget: Budget
    sentence: str


def budget_lines(budgets: Iterable[Budget]) -> list[BudgetLine]:
    """Return a line for each, arms in their usual order, their stages as the scenario has them."""
    ordered = sorted(budgets, key=lambda budget: arm_key(budget.arm))
    return [
        BudgetLine(budget, _SAY[budget.notices](budget.value_s, budget.longest_step_s))
        for budget in ordered
    ]


def _lease(value: float, longest: float | None) -> str:
    rule = (
        "counts from delivery and is never renewed, so it must exceed the longest job: "
        "a step that runs longer starts a second time while the first still runs"
    )
    if longest is None:
        return f"{rule}."
    if longest > value:
        return f"{rule}. The longest healthy step here took {seconds(longest)}: too long for it."
    return (
        f"{rule}. The longest healthy step here took {seconds(longest)}, "
        f"which leaves {seconds(value - longest)}."
    )


def _heartbeat(value: float, longest: float | None) -> str:
    rule = "is renewed by progress, so it need not exceed the longest job"
    if longest is None:
        return f"{rule}."
    relation = "longer" if longest > value else "shorter"
    return (
        f"{rule}: the longest healthy step here took {seconds(longest)}, {relation} than the "
        "timeout, and could have taken any time between two heartbeats shorter than it."
    )


def _renewed(value: float, longest: float | None) -> str:
    rule = (
        "is renewed while the step runs, by code that Celery does not support, so it need not "
        "exceed the longest job"
    )
    if longest is None:
        return f"{rule}."
    relation = "longer" if longest > value else "shorter"
    return (
        f"{rule}: the longest healthy step here took {seconds(longest)}, {relation} than the "
        "timeout, and could have taken any time."
    )


def _limit(_: float, longest: float | None) -> str:
    rule = (
        "is all that notices a dead worker without a heartbeat: it must exceed the longest job, "
        "and a killed step waits for the rest of it"
    )
    if longest is None:
        return f"{rule}."
    return f"{rule}. The longest healthy step here took {seconds(longest)}."


def _early(_: float, __: float | None) -> str:
    return (
        "is not in play: the message is acknowledged before the step begins, so that nothing hands "
        "out a killed step again."
    )


_SAY: Mapping[Notices, Callable[[float, float | None], str]] = {
    Notices.LEASE: _lease,
    Notices.RENEWED_LEASE: _renewed,
    Notices.NOTHING: _early,
    Notices.HEARTBEAT: _heartbeat,
    Notices.LIMIT: _limit,
}


def _content(page: Any) -> Any:
    return page if page.shows_cells else None


PART = Part(
    "budget",
    called("What the budget costs"),
    _content,
    template("budget.html.j2"),
    template("budget.md.j2"),
)
