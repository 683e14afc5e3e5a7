"""Reads what earlier versions wrote: `run.json`, and the faults and final states of a history."""

import re
from typing import Any

_SOAK_TRIAL = re.compile(r"(?P<strike>.+#\d+):(?P<role>[a-z]+)(?P<part>/\d+)?")


def run_info_from_1(written: dict[str, Any]) -> dict[str, Any]:
    """Return a `run.json` of schema 1 as one of schema 2: soaks and experiments are cells."""
    parts = {
        "soak": [_cell(soak, "soak", "soak", soak["planned"]) for soak in written.get("soak", [])],
        "idempotency": [
            _cell(each, "experiment", each["experiment"], each["trials"])
            for each in written.get("idempotency", [])
        ],
    }
    absent = [_absent(each) for each in written.get("absent", [])]
    return {**written, **parts, "absent": absent, "schema": 2}


def _absent(written: dict[str, Any]) -> dict[str, Any]:
    # `simulated/celery/hardened/sigkill`
    _, engine, profile, fault = written["id"].split("/")
    return {**written, "fault": fault, "arm": f"{engine}/{profile}"}


def _cell(written: dict[str, Any], kind: str, fault: str, trials: int) -> dict[str, Any]:
    return {
        **{key: value for key, value in written.items() if key not in ("planned", "experiment")},
        "kind": kind,
        "fault": fault,
        "trials": trials,
        "workload": "image-generation",
        "compute": "simulated",
        "predicted": {"seconds": None, "parts": {}, "why": ""},
    }


def fault_from_1(written: dict[str, Any]) -> dict[str, Any]:
    """Return a fault's event with role and process as fields, where its trial's name had them."""
    named = _SOAK_TRIAL.fullmatch(written["trial"])
    if named is None:
        return written
    strike, part = named["strike"], named["part"]
    own = {"trial": f"{strike}{part}", "part_of": strike} if part else {"trial": strike}
    return {**written, "role": named["role"], **own}


def final_from_1(written: dict[str, Any]) -> dict[str, Any]:
    """Return a final state that says whether the engine has the job's end, where its words did."""
    said = "closed: " in written["where"] or written["where"].startswith("over: ")
    return {"closed": written["held"] is False and said, **written}
