"""The frontier section: what a shorter detection budget buys, and what it costs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bench.record.frontier import Frontier, FrontierPoint
from bench.record.run_info import CellInfo
from bench.report.arms import ArmStyle
from bench.report.format import given
from bench.report.words import FaultWords, fault_words


@dataclass(frozen=True, slots=True)
class FrontierPanel:
    """The points of equally long steps, with the styles of their arms."""

    title: str
    points: list[FrontierPoint]
    styles: dict[str, ArmStyle]


@dataclass(frozen=True, slots=True)
class FrontierSection:
    """A panel for each length of step, the one with most budgets first."""

    words: FaultWords
    sentence: str
    panels: list[FrontierPanel]


def build_frontier(
    found: Sequence[Frontier], sentences: Iterable[str], styles: Mapping[str, ArmStyle]
) -> FrontierSection | None:
    """Return the section, None for a run that tried fewer than three budgets."""
    if not found:
        return None
    words = fault_words(found[0].points[0].fault)
    panels = [_panel(frontier, styles) for frontier in found]
    return FrontierSection(words, " ".join(sentences), panels)


def setting_of(info: CellInfo) -> str:
    """Say with which budget and which length of step a cell ran: `budget 2 s, steps of 20 s`."""
    said = []
    if info.detection_budget_s:
        said.append(f"budget {given(info.detection_budget_s)}")
    if info.healthy_step_s:
        said.append(f"steps of {given(info.healthy_step_s)}")
    return ", ".join(said)


def _panel(frontier: Frontier, styles: Mapping[str, ArmStyle]) -> FrontierPanel:
    arms = dict.fromkeys(point.arm for point in frontier.points)
    title = f"Steps of {given(frontier.step_s)}" if frontier.step_s else "Real pipeline"
    return FrontierPanel(title, frontier.points, {arm: styles[arm] for arm in arms})
