"""Everything that a report shows, assembled once for the page, the Markdown and the terminal."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.record.metrics import CellMetrics, Metrics
from bench.record.run_info import CellInfo, RunInfo, split_label
from bench.report.arms import ArmStyle, arm_key, arm_styles
from bench.report.budget import BudgetLine, budget_lines
from bench.report.capabilities import CapabilitySection, build_capabilities
from bench.report.charts import Curve
from bench.report.columns import CONTROL_COLUMNS, MORE_COLUMNS, fault_columns
from bench.report.fault_table import FaultTable, build_fault_table
from bench.report.format import given
from bench.report.frontier import FrontierSection, build_frontier, setting_of
from bench.report.grouping import grouped
from bench.report.idempotency import IdempotencySection, build_idempotency
from bench.report.pictures import PictureSet, load_pictures
from bench.report.soak import SoakSection, build_soak
from bench.report.tables import Table, build_table
from bench.report.timeline import JobTimeline, job_timelines
from bench.report.twins import TwinSection, build_twins
from bench.report.words import FaultWords, compute_words, fault_key, fault_words, is_control
from shared.domain.jobs import EffectiveSetting


@dataclass(frozen=True, slots=True)
class ArmTimelines:
    """The faulted jobs of one arm."""

    arm: str
    style: ArmStyle
    jobs: list[JobTimeline]


@dataclass(frozen=True, slots=True)
class Section:
    """All arms under one fault on one compute driver. `span_s` is one axis for all timelines."""

    fault: str
    compute: str
    workload: str
    words: FaultWords
    cells: list[CellMetrics]
    table: Table
    more: Table
    curves: list[Curve]
    timelines: list[ArmTimelines]
    span_s: tuple[float, float]
    setting: str = ""
    """What tells it from the run's other sections of the same kind."""

    @property
    def control(self) -> bool:
        """Whether these cells were left alone."""
        return is_control(self.fault)

    @property
    def title(self) -> str:
        """`Worker killed (SIGKILL), simulated GPU`."""
        what = "No fault (control)" if self.control else self.words.title
        title = f"{what}, {compute_words(self.compute)}"
        return f"{title}, {self.setting}" if self.setting else title

    @property
    def recovers(self) -> bool:
        """Whether there is a recovery to draw."""
        return any(curve.trials for curve in self.curves)

    @property
    def drain_s(self) -> float:
        """The longest T of the section's cells."""
        return max(cell.drain_s for cell in self.cells)


@dataclass(frozen=True, slots=True)
class Page:
    """The report's content; nothing here is rounded yet but the tables' texts."""

    info: RunInfo
    metrics: Metrics
    cells: dict[str, CellInfo]
    arms: list[str]
    styles: dict[str, ArmStyle]
    sections: list[Section]
    pictures: list[PictureSet]
    budget: list[BudgetLine]
    idempotency: IdempotencySection | None
    capabilities: CapabilitySection | None
    twins: TwinSection | None
    soak: SoakSection | None
    frontier: FrontierSection | None
    faults: FaultTable | None

    @property
    def host(self) -> dict[str, str]:
        """What the run ran on, and how much of it was in use."""
        use = self.metrics.host
        if use is None:
            return self.info.host
        used = f"{use.mean:.0%} on average; at least {use.full_from:.0%} for {use.full:.0%}"
        facts = {"processors in use": f"{used} of the run"}
        if use.stretch is not None:
            facts["a worker's computing takes"] = f"{use.stretch:.1f} times as long as alone"
        if use.fsync_s is not None:
            facts["a small write lasts after"] = f"{use.fsync_s * 1000:.1f} ms, the median"
        if use.stalls:
            waits = ", ".join(f"{what} {share:.0%}" for what, share in use.stalls.items())
            facts["share of the time in which some process waited"] = waits
        if use.pauses_s:
            longest = ", ".join(f"{what} {s * 1000:.0f} ms" for what, s in use.pauses_s.items())
            facts["what held a server up for longest"] = longest
        return self.info.host | facts

    @property
    def shows_cells(self) -> bool:
        """Whether to speak of cells: a soak or idempotency experiments alone have none."""
        return bool(self.sections) or not (self.soak or self.idempotency or self.info.is_suite_run)

    @property
    def submits(self) -> bool:
        """Whether the run submitted jobs: one that only tried the capabilities did not."""
        return not self.info.is_suite_run

    @property
    def settings(self) -> list[tuple[str, ArmStyle, list[EffectiveSetting]]]:
        """Label, style and settings, arms in their order."""
        named = [(label, split_label(label)[0]) for label in self.info.settings]
        return [
            (label, self.styles[arm], self.info.settings[label])
            for label, arm in sorted(named, key=lambda item: (arm_key(item[1]), item[0]))
        ]

    @property
    def predicted(self) -> list[CellInfo]:
        """The cells in which something could recover."""
        return [cell for cell in self.info.cells if not is_control(cell.fault)]

    @property
    def title(self) -> str:
        """The first question, where the run asked it."""
        if not self.submits:
            return "What each engine can do"
        if self.frontier is not None:
            return "How short may the detection budget be?"
        if self.faults is not None and len(self.faults.kinds) > _KINDS_OF_A_SUITE:
            return "Every fault on every arm"
        if any(section.fault == "sigkill" for section in self.sections):
            return "A GPU worker dies in the middle of a job"
        if self.soak is not None and not self.shows_cells:
            return "Random faults for a long time"
        if not self.shows_cells:
            return "The same crash under every guard"
        return "The same jobs on two engines"


_KINDS_OF_A_SUITE = 4
"""Up to so many kinds of fault a run has one question, and more of them are about all faults."""


def build_page(info: RunInfo, metrics: Metrics, folder: Path) -> Page:
    """Assemble the report of a run; cells without trials or pictures simply show less."""
    set_up = {split_label(label)[0] for label in info.settings}
    measured = {entry.arm for entry in metrics.judged}
    arms = sorted(measured | set_up, key=arm_key)
    styles = arm_styles(arms)
    cells = {cell.id: cell for cell in info.cells}
    said = metrics.sentences
    frontier = build_frontier(metrics.frontier, said.get("frontier", []), styles)
    groups = grouped(metrics.cells, cells, lambda info: _part_of(info, frontier))
    alike = Counter(key[:3] for key in groups)
    sections = [
        replace(
            _section(group, cells, styles),
            setting=key[3] if frontier else _budgets(group) if alike[key[:3]] > 1 else "",
        )
        for key, group in groups.items()
    ]
    return Page(
        info,
        metrics,
        cells,
        arms,
        styles,
        sorted(sections, key=_order),
        load_pictures(folder),
        budget_lines(metrics.budgets),
        build_idempotency(
            metrics.idempotency, info.idempotency, styles, said.get("idempotency", [])
        ),
        build_capabilities(info.capabilities, info.run_id, said.get("capabilities", [])),
        build_twins(metrics.twins, metrics.cells, [*info.cells, *info.twins], styles),
        build_soak(metrics.soak, info.soak, styles, said.get("soak", [])),
        frontier,
        build_fault_table(metrics, info.absent, styles),
    )


def _part_of(info: CellInfo | None, frontier: FrontierSection | None) -> str:
    """What parts the sections of one fault on one driver: the frontier's steps, or the stage."""
    if info is None:
        return ""
    return setting_of(info) if frontier else info.stage


def _budgets(group: Sequence[CellMetrics]) -> str:
    """Say with which budgets the arms of a section ran, where that tells it from another one."""
    by_arm = {cell.arm: given(cell.detection_budget_s or 0.0) for cell in group}
    if len(set(by_arm.values())) == 1:
        return f"budget {next(iter(by_arm.values()))}"
    arms = sorted(by_arm, key=arm_key)
    return ", ".join(f"{arm} with a budget of {by_arm[arm]}" for arm in arms)


def _order(section: Section) -> tuple[bool, tuple[int, str], int]:
    return section.control, fault_key(section.fault), -sum(cell.trials for cell in section.cells)


def _section(
    group: Sequence[CellMetrics],
    infos: dict[str, CellInfo],
    styles: dict[str, ArmStyle],
) -> Section:
    ordered = sorted(group, key=lambda cell: (arm_key(cell.arm), cell.id))
    fault = ordered[0].fault
    columns = CONTROL_COLUMNS if is_control(fault) else fault_columns(fault)
    timelines = [
        ArmTimelines(cell.arm, styles[cell.arm], job_timelines(cell))
        for cell in ordered
        if cell.timelines
    ]
    spans = [job.span_s for arm in timelines for job in arm.jobs] or [(0.0, 1.0)]
    return Section(
        fault,
        ordered[0].compute,
        ordered[0].workload,
        fault_words(fault),
        ordered,
        build_table(columns, ordered, infos, styles),
        build_table(MORE_COLUMNS, ordered, infos, styles),
        [
            Curve(
                cell.arm,
                styles[cell.arm],
                cell.recovery_curve,
                cell.recovery_s.samples,
                cell.recovery_s.censored,
                cell.predicted_bound_s,
            )
            for cell in ordered
            if not cell.too_busy
        ],
        timelines,
        (min(low for low, _ in spans), max(high for _, high in spans)),
    )
