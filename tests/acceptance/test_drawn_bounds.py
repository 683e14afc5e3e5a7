"""No bound is broken by steps, silences, graces and budgets that nobody chose for it.

A suite is made of values that suit each other. These are drawn, within what a scenario may say, and
both engines' real servers are asked. `CHANGEOVER_TEST_DRAWS` is how many scenarios are drawn, each
by its own seed; a failure names it.
"""

import json
import os
import random
from pathlib import Path

import pytest

from tests.acceptance.runs import changeover, shortfalls

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
DRAWS = int(os.environ.get("CHANGEOVER_TEST_DRAWS", "2"))


def drawn(seed: int) -> str:
    """A scenario with stages that strike with SIGTERM and SIGKILL."""
    draw = random.Random(seed)
    grace_s = draw.choice([5.0, 6.0, 9.0])
    head = f'name = "drawn-{seed}"\nseed = {seed}\nstop_grace_s = {grace_s}\n'
    return head + "".join(_stage(draw, name, grace_s) for name in ("first", "second"))


def _stage(draw: random.Random, name: str, grace_s: float) -> str:
    silence_s = draw.choice([0.1, 0.5, 1.5, 2.5])
    steps = max(7, round(draw.uniform(3.0, 10.0) / silence_s))
    longest_s = steps * silence_s + 1.0
    # Above the longest step for Celery; for Temporal above the silence, and what the engine takes.
    budget_s = round(max(longest_s + 1.5, silence_s * 1.5 + 4.0) + draw.uniform(0.0, 3.0), 1)
    drain_s = grace_s + budget_s + 3 * longest_s + 10.0
    cells = "".join(
        f'[[stages.cells]]\nfault = "{fault}"\ntrials = 2\nat = [0.05, 0.5]\n'
        f"rate_per_s = 0.1\ndrain_s = {drain_s}\n"
        for fault in ("sigterm", "sigkill")
    )
    return f"""
[[stages]]
name = "{name}"
compute = "simulated"
arms = ["celery/hardened", "temporal/hardened"]
gpu_workers = 4
detection_budget_s = {budget_s}
step_s = {silence_s}
[stages.job]
n = [1]
steps = {steps}
longest_step_s = {longest_s}
{cells}"""


@pytest.mark.parametrize("seed", range(1, DRAWS + 1))
def test_no_drawn_values_break_a_bound(seed: int, tmp_path: Path) -> None:
    (tmp_path / "drawn.toml").write_text(drawn(seed))
    done = changeover("chaos", "drawn.toml", "--json", "--at-once", "9", cwd=tmp_path)
    assert done.returncode in (0, 1), done.stderr
    assert shortfalls(json.loads(done.stdout)) == [], drawn(seed)
