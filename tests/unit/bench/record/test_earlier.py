"""What earlier versions wrote is read as if this one had."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from bench.record.history import FaultEvent, FaultPhase, FinalState, read_history
from bench.record.run_info import CellKind, read_run_info, write_run_info
from tests.unit.bench.checkers.test_soak import INFO, Soak
from tests.unit.bench.experiments import KILLED, Experiments


def test_a_soak_and_an_experiment_of_schema_1_become_cells(tmp_path: Path) -> None:
    info = replace(Soak().info(), idempotency=Experiments(KILLED).info().idempotency)
    path = tmp_path / "run.json"
    write_run_info(path, info)
    written = json.loads(path.read_text()) | {"schema": 1}
    soak, experiment = written["soak"][0], written["idempotency"][0]
    shared = ("id", "arm", "engine", "profile", "drain_s", "owed_effects", "demands")
    of_soak, of_experiment = ("duration_s", "rate_per_s", "absent"), ("mode", "crash_point")
    written["soak"] = [{key: soak[key] for key in (*shared, *of_soak)} | {"planned": 2}]
    written["idempotency"] = [
        {key: experiment[key] for key in (*shared, *of_experiment, "receiver", "lease_s")}
        | {"experiment": KILLED.fault, "trials": 1, "place": KILLED.place}
    ]
    path.write_text(json.dumps(written))
    read = read_run_info(path)
    assert read.soak == [INFO]
    assert read.idempotency == [KILLED]
    assert (read.soak[0].kind, read.idempotency[0].place) == (CellKind.SOAK, KILLED.place)


def test_a_run_of_a_later_schema_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    write_run_info(path, replace(Soak().info(), schema=3))
    with pytest.raises(ValueError, match="schema 3, this version reads 1 and 2"):
        read_run_info(path)


@pytest.mark.parametrize(
    ("trial", "read"),
    [
        ("soak/celery/hardened#12:gpu", ("soak/celery/hardened#12", "gpu", "")),
        (
            "soak/celery/hardened#12:gpu/1",
            ("soak/celery/hardened#12/1", "gpu", "soak/celery/hardened#12"),
        ),
        ("simulated/celery/hardened/sigkill#3", ("simulated/celery/hardened/sigkill#3", "", "")),
    ],
)
def test_a_trial_that_was_named_by_its_role_has_it_as_a_field(
    trial: str, read: tuple[str, str, str], tmp_path: Path
) -> None:
    at = {"wall_s": 1.0, "mono_s": 1.0}
    event = FaultEvent(trial, "c", "sigkill", FaultPhase.INJECTED, "", "", "", "gpu-0", 1, **at)
    path = tmp_path / "history.jsonl"
    row = {key: value for key, value in asdict(event).items() if key not in ("role", "part_of")}
    path.write_text(json.dumps({"type": "fault", **row}) + "\n")
    (fault,) = read_history(path).faults
    assert (fault.trial, fault.role, fault.part_of) == read


@pytest.mark.parametrize(
    ("held", "where", "closed"),
    [
        (False, "workflow closed: completed", True),
        (False, "activity closed: completed", True),
        (False, "over: succeeded", True),
        (False, "nowhere: no message, no live worker", False),
        (True, "queue gpu", False),
        (None, "", False),
    ],
)
def test_a_final_state_that_said_in_words_that_the_job_is_closed_says_so(
    held: bool | None, where: str, closed: bool, tmp_path: Path
) -> None:
    final = FinalState("c", "job", "running", None, None, held, where, None, 1.0, 1.0)
    row = {key: value for key, value in asdict(final).items() if key != "closed"}
    path = tmp_path / "history.jsonl"
    path.write_text(json.dumps({"type": "final", **row}) + "\n")
    assert [each.closed for each in read_history(path).finals] == [closed]
