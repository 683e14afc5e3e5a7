"""No process imports what it has no use for: some of it takes seconds, some is not installed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

OPTIONAL = {
    "accelerate",
    "av",
    "diffusers",
    "dlib",
    "face_recognition_models",
    "numpy",
    "safetensors",
    "torch",
    "transformers",
}
"""The packages of the extras `images` and `faces`."""
HEAVY = OPTIONAL | {
    "PIL",
    "asyncio",
    "celery",
    "fastapi",
    "fsspec",
    "httpx",
    "jinja2",
    "locust",
    "psutil",
    "pydantic",
    "redis",
    "sqlalchemy",
    "temporalio",
    "uvicorn",
}

_WIRED = """
from shared.policy import Queue
from shared.runtime import build_runtime
from shared.settings import Settings
settings = Settings.from_environment()
"""
_GPU, _CPU = (f"{_WIRED}build_runtime(settings).warm_up(Queue.{role})" for role in ("GPU", "CPU"))
_FACADE = f"""
import uvicorn, shared.facade.__main__
from shared.facade.app import create_app
from shared.facade.intake import build_intake
from shared.facade.service import build_service
from shared.loader import load_engine
{_WIRED}
create_app(settings)
build_intake(settings, build_service(settings))
load_engine(settings.backend, settings)
"""
_SINK = """
from pathlib import Path
from bench.arms.effect_sink import Manners, create_app
create_app(Path("effects.db"), Manners())
"""
_LOAD = """
import os
from pathlib import Path
from bench.load.plan import PLAN_VARIABLE, LoadPlan, write_plans
plan = LoadPlan("cell", "key", "operations.jsonl", 1, 1.0, "even", 0.0, [1], 2, 64, 64)
write_plans(Path("plan.json"), [plan])
os.environ[PLAN_VARIABLE] = "plan.json"
import locust.main, bench.load.locustfile
"""
ROLES = {
    "celery's GPU worker": f"import celery_impl.worker, celery_impl.child\n{_GPU}",
    "celery's CPU worker": f"import celery_impl.worker, celery_impl.child\n{_CPU}",
    "celery's clock": "import celery_impl.beat",
    "celery's facade": f"import os; os.environ['CHANGEOVER_BACKEND'] = 'celery'\n{_FACADE}",
    "temporal's GPU worker": f"import temporal_impl.worker\n{_GPU}",
    "temporal's CPU worker": f"import temporal_impl.worker\n{_CPU}",
    "temporal's facade": f"import os; os.environ['CHANGEOVER_BACKEND'] = 'temporal'\n{_FACADE}",
    "a worker's health check": "import shared.presence",
    "the effect sink": _SINK,
    "the guardian": "import bench.arms.guardian",
    "the load": _LOAD,
    "the bench": "import bench.verbs.compare, bench.verbs.chaos, bench.verbs.up",
}


def _imported(code: str, watched: set[str], folder: Path) -> set[str]:
    """Return which of these packages a fresh process has imported once the code has run."""
    env = {
        "CHANGEOVER_COMPUTE": "simulated",
        "CHANGEOVER_DATABASE_URL": f"sqlite:///{folder / 'roles.db'}",
        "CHANGEOVER_ARTIFACTS_URL": f"file://{folder}",
    }
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules)"],
        capture_output=True,
        text=True,
        env={**os.environ, **env, "PYTHONPATH": os.pathsep.join(sys.path)},
        cwd=folder,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return watched & {name.partition(".")[0] for name in done.stdout.split()}


def test_the_command_line_imports_nothing_heavy(tmp_path: Path) -> None:
    assert _imported("import bench.cli", HEAVY, tmp_path) == set()


@pytest.mark.parametrize("code", ROLES.values(), ids=ROLES)
def test_what_is_simulated_imports_nothing_that_an_extra_brings(code: str, tmp_path: Path) -> None:
    assert _imported(code, OPTIONAL, tmp_path) == set()


@pytest.mark.parametrize("role", ["celery's clock", "celery's facade", "temporal's facade"])
def test_who_paints_nothing_loads_no_codecs(role: str, tmp_path: Path) -> None:
    assert _imported(ROLES[role], {"PIL"}, tmp_path) == set()
