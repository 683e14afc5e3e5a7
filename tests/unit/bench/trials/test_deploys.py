"""The change that is deployed is one of the code that is here, and reaches whoever runs it."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.arms.engines import ENGINES
from bench.trials.deploys.builds import apply, build
from bench.trials.deploys.changes import WAYS, DeployedArm, Edit, Way


@pytest.mark.parametrize("way", WAYS, ids=lambda way: f"{way.engine}-{way.profile}-{way.name}")
def test_every_change_fits_the_code_and_a_process_runs_it(way: Way, tmp_path: Path) -> None:
    env = build(way, tmp_path)
    package = ENGINES[way.engine].package
    for edit in way.edits:
        text = (tmp_path / package / edit.file).read_text()
        assert edit.new in text
        ast.parse(text)
    code = f"import {package}, shared; print({package}.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **env},
    )
    assert Path(done.stdout.strip()).is_relative_to(tmp_path)


def test_a_change_of_what_is_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "flow.py").write_text("twice\ntwice\n")
    for old in ("twice", "never"):
        with pytest.raises(LookupError, match=old):
            apply(Edit("flow.py", old, ""), tmp_path)


def test_no_two_ways_share_a_place() -> None:
    arms = [DeployedArm(way.engine, way.profile, way) for way in WAYS]
    assert len({arm.namespace for arm in arms}) == len(arms)
