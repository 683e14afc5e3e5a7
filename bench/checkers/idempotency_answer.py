"""What the idempotency experiments say in two sentences, computed from their entries.

The first is about `fenced`, which promises something; the second about the modes that do not.
"""

from collections.abc import Sequence

from bench.record.metrics import CellMetrics, Verdict

FENCED = "fenced"
_WEAKER = ("claim", "check_then_act", "none")


def idempotency_answer(entries: Sequence[CellMetrics]) -> list[str]:
    """Return the two sentences, right for any data: also for a mode that was not tried."""
    return [_of_fenced([e for e in entries if e.mode == FENCED]), _of_weaker(entries)]


def _of_fenced(entries: Sequence[CellMetrics]) -> str:
    faults = sum(entry.faults_confirmed for entry in entries)
    if not faults:
        return "No fault was seen to hit a step that was fenced in this run."
    arms = " and ".join(sorted({entry.arm for entry in entries}))
    missed = sum(entry.trials for entry in entries) - faults
    doubt = f" ({missed} more could not be confirmed)" if missed else ""
    struck = f"{faults} crashes, freezes and lost replies"
    if faults == 1:
        struck = "one crash, freeze or lost reply"
    return f"In {struck}{doubt} on {arms}, {_clause(entries)}."


def _of_weaker(entries: Sequence[CellMetrics]) -> str:
    clauses = []
    for mode in _WEAKER:
        of_mode = [entry for entry in entries if entry.mode == mode]
        if any(entry.faults_confirmed for entry in of_mode):
            clauses.append(_clause(of_mode))
    if not clauses:
        return "No weaker mode was tried in this run."
    return f"Under the same, {'; '.join(clauses)}."


def _clause(entries: Sequence[CellMetrics]) -> str:
    steps = sum(entry.duplicate_executions for entry in entries)
    effects = sum(entry.duplicate_effects for entry in entries)
    stopped = sum(entry.suppressed_effects for entry in entries)
    clause = (
        f"{_mode(entries)} finished {_count(steps, 'step')} twice"
        f" and had {_count(effects, 'effect')} applied twice"
    )
    if stopped:
        clause += f" ({_count(stopped, 'repeat')} stopped by the receiver, which knew the key)"
    return clause


def _mode(entries: Sequence[CellMetrics]) -> str:
    """The mode, and its verdict where that is not valid: its numbers are not sound then."""
    verdicts = {entry.verdict for entry in entries}
    mode = entries[0].mode
    if Verdict.INVALID in verdicts:
        return f"{mode} (verdict: invalid)"
    return f"{mode} (verdict: unknown)" if Verdict.UNKNOWN in verdicts else mode


def _count(number: int, noun: str) -> str:
    if number == 0:
        return f"no {noun}"
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
