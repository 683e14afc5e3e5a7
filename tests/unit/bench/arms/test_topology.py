"""What an arm consists of."""

import json
from pathlib import Path
from typing import Any, cast

import pytest

from bench.arms.addresses import Backends
from bench.arms.supervisor import ProcessSpec, Supervisor
from bench.arms.topology import Arm, Topology, start_stack

BACKENDS = Backends(
    "http://127.0.0.1:3", {"celery": "redis://127.0.0.1:1", "temporal": "127.0.0.1:2"}, {}
)


class FakeSupervisor:
    """Starts nothing."""

    def __init__(self) -> None:
        self.specs: list[ProcessSpec] = []

    def start(self, spec: ProcessSpec) -> Any:
        self.specs.append(spec)
        return spec


def specs(
    folder: Path, engines: list[str], workloads: list[str], profile: str = "hardened"
) -> list[ProcessSpec]:
    supervisor = FakeSupervisor()
    start_stack(
        cast(Supervisor, supervisor),
        arm=Arm(engines[0], profile),
        engines=engines,
        workloads=workloads,
        topology=Topology(gpu_workers=1),
        backends=BACKENDS,
        folder=folder,
        namespace="test",
        env={},
    )
    return supervisor.specs


@pytest.mark.parametrize(
    ("engine", "profile", "workloads", "names"),
    [
        ("celery", "hardened", ["image-generation"], ["facade", "cpu-0", "gpu-0", "beat"]),
        ("celery", "stock", ["image-generation"], ["facade", "cpu-0", "gpu-0"]),
        ("celery", "stock", ["face-similarity"], ["facade", "cpu-0", "gpu-0", "beat"]),
        ("temporal", "hardened", ["face-similarity"], ["facade", "cpu-0", "gpu-0"]),
    ],
    ids=["lost messages are looked for", "stock images", "stock faces", "temporal"],
)
def test_only_celery_needs_a_clock_for_deadlines_and_for_what_the_broker_loses(
    tmp_path: Path, engine: str, profile: str, workloads: list[str], names: list[str]
) -> None:
    started = specs(tmp_path, [engine], workloads, profile)
    assert [spec.name for spec in started] == names
    for spec in started:
        assert json.loads(spec.env["CHANGEOVER_WORKLOADS"]) == workloads
        assert spec.restart_delay_s is not None


def test_temporary_files_stay_below_the_folder_of_the_arm(tmp_path: Path) -> None:
    for spec in specs(tmp_path / "arm", ["celery", "temporal"], ["face-similarity"]):
        assert Path(spec.env["TMPDIR"]) == tmp_path / "arm" / "tmp"
    assert (tmp_path / "arm" / "tmp").is_dir()
