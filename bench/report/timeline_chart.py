"""Draws one faulted job: a row an attempt, the moment of the fault, effects as ticks."""

from typing import Any

from markupsafe import Markup

from bench.record.timeline import CUT_OFF, OPEN, AttemptRow, EffectTick, Phase
from bench.report.format import seconds
from bench.report.part import Part, called, template
from bench.report.svg import chart, element, label, percent, ticks, uprights
from bench.report.timeline import JobTimeline

OPEN_TIMELINES = 3
MOST_TIMELINES = 40
"""Timelines drawn an arm and fault; the rest is counted and stays in `history.jsonl`."""

_TOP = 16
_ROW = 15
_BAR = 8
_FOOT = 20

_ENDS = {
    CUT_OFF: "\u2715",
    OPEN: "\u2026",
    "failed": "!",
    "cancelled": "\u2298",
    "superseded": "\u21b7",
    "replayed": "\u21ba",
}


def timeline_chart(job: JobTimeline, span_s: tuple[float, float], mark: str) -> Markup:
    """Draw `job` on the axis `span_s` (seconds from the fault), the fault labelled `mark`."""
    return _Chart(job, span_s, mark).draw()


class _Chart:
    def __init__(self, job: JobTimeline, span_s: tuple[float, float], mark: str) -> None:
        self._job = job
        self._low = span_s[0]
        self._width = span_s[1] - span_s[0]
        self._mark = mark
        self._foot = _TOP + _ROW * (len(job.rows) + (1 if job.effects else 0)) + 2

    def draw(self) -> Markup:
        job = self._job
        return chart(
            f"Attempts of job {job.trial.job_id}, seconds from the fault",
            uprights(
                ticks(self._low, self._low + self._width, about=6),
                self._x,
                lambda value: ("+" if value > 0 else "") + label(value),
                from_y=_TOP,
                to_y=self._foot,
                word_y=self._foot + 13,
            ),
            *(self._row(row, self._y(place)) for place, row in enumerate(job.rows)),
            *self._effects(self._y(len(job.rows))),
            *self._faults(),
            height=self._foot + _FOOT,
        )

    def _x(self, at_s: float) -> str:
        return percent(min(max(at_s - self._low, 0), self._width), self._width)

    @staticmethod
    def _y(place: int) -> int:
        return _TOP + _ROW * place + _ROW // 2

    def _row(self, row: AttemptRow, y: int) -> Markup:
        name = f"{row.step} #{row.attempt}" if row.attempt > 1 else row.step
        parts: list[str] = [element("text", name, x=-6, y=y + 4, text_anchor="end", class_="label")]
        if row.waited_s is not None:
            parts.append(_gap(self._x(0), self._x(row.start_s), y))
        elif self._job.abandoned and row.step == self._job.trial.step and row.end == CUT_OFF:
            parts.append(_gap(self._x(row.end_s), "100%", y))
        parts += [
            element(
                "rect",
                x=self._x(part.start_s),
                y=y - _BAR // 2,
                width=percent(part.end_s - part.start_s, self._width),
                height=_BAR,
                class_=str(part.phase),
            )
            for part in row.stretches
        ]
        parts.append(
            element("text", _after(row), x=self._x(row.end_s), dx=4, y=y + 4, class_="after")
        )
        return element("g", element("title", _sentence(row)), *parts)

    def _effects(self, y: int) -> list[str]:
        if not self._job.effects:
            return []
        said = element("text", "effects", x=-6, y=y + 4, text_anchor="end", class_="label")
        return [said, *(self._tick(tick, y) for tick in self._job.effects)]

    def _tick(self, tick: EffectTick, y: int) -> Markup:
        state = "twice" if tick.applied and tick.repeat else "once" if tick.applied else "not"
        words = {"twice": "applied again", "once": "applied", "not": "repeat, suppressed"}[state]
        x = self._x(tick.at_s)
        return element(
            "line",
            element("title", f"{tick.effect}: {words}"),
            x1=x,
            x2=x,
            y1=y - 6,
            y2=y + 6,
            class_=f"effect {state}",
        )

    def _faults(self) -> list[str]:
        parts: list[str] = []
        for at_s in self._job.faults_s or [0.0]:
            x = self._x(at_s)
            parts.append(element("line", x1=x, x2=x, y1=_TOP - 3, y2=self._foot, class_="fault"))
        parts.append(
            element("text", self._mark, x=self._x(0), y=10, text_anchor="middle", class_="fault")
        )
        return parts


def _gap(x1: str, x2: str, y: int) -> Markup:
    return element("line", x1=x1, x2=x2, y1=y, y2=y, class_="gap")


def _after(row: AttemptRow) -> str:
    words = [_ENDS.get(row.end, ""), row.progress]
    if row.resumed_from is not None:
        words.append(f"from {row.resumed_from}")
    return " ".join(word for word in words if word)


def _sentence(row: AttemptRow) -> str:
    text = f"{row.step}, attempt {row.attempt} on {row.worker}: {row.end}"
    if row.progress:
        text += f" at {row.progress}"
    if row.waited_s is not None:
        text += f", begun {seconds(row.waited_s)} after the fault"
    if any(part.phase is Phase.REDONE for part in row.stretches):
        text += ", repeating lost progress"
    return text


def outcome(job: JobTimeline) -> str:
    """Say in a few words what became of a hit step."""
    trial = job.trial
    if not trial.confirmed:
        return "the fault missed its target"
    if trial.nothing_to_recover:
        if trial.stopped_s is None:
            return "no step had to be recovered"
        return f"hit at {trial.progress_at_fault}, stopped after {seconds(trial.stopped_s)}"
    words = [f"hit at {trial.progress_at_fault}"]
    if trial.graceful:
        words.append("finished all the same")
    elif trial.recovery_s is not None:
        words.append(f"taken up again after {seconds(trial.recovery_s)}")
        if trial.resumed_from is not None:
            words.append(f"from step {trial.resumed_from}" if trial.resumed_from else "from zero")
    else:
        words.append("not taken up again")
    return ", ".join(words)


def _timeline(section: Any, job: JobTimeline) -> Markup:
    return timeline_chart(job, section.span_s, section.words.mark)


def _content(page: Any) -> Any:
    return page if page.shows_cells else None


PART = Part(
    "jobs",
    called("Every faulted job"),
    _content,
    template(
        "timelines.html.j2",
        timeline=_timeline,
        outcome=outcome,
        open_timelines=OPEN_TIMELINES,
        most_timelines=MOST_TIMELINES,
    ),
)
