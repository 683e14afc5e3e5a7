"""What an arm consists of."""

import json
from pathlib import Path
from typing import Any, cast

import pytest

from bench.addresses import Backends
from bench.supervisor import ProcessSpec, Supervisor
from bench.topology import Arm, Topology, start_stack

BACKENDS = Backends("redis://127.0.0.1:1", "127.0.0.1:2", None, "http://127.0.0.1:3")


class FakeSupervisor:
    """Starts nothing."""

    def __init__(self) -> None:
        self.specs: list[ProcessSpec] = []

    def start(self, spec: ProcessSpec) -> Any:
        self.specs.append(spec)
        return spec


def specs(folder: Path, engines: list[str], workloads: list[str]) -> list[ProcessSpec]:
    supervisor = FakeSupervisor()
    start_stack(
        cast(Supervisor, supervisor),
        arm=Arm(engines[0], "hardened"),
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
    ("engines", "workloads", "names"),
    [
        (["celery"], ["image-generation"], ["facade", "cpu-0", "gpu-0"]),
        (["celery"], ["face-similarity"], ["facade", "cpu-0", "gpu-0", "beat"]),
        (["temporal"], ["face-similarity"], ["facade", "cpu-0", "gpu-0"]),
    ],
    ids=["celery with images", "celery with faces", "temporal with faces"],
)
def test_only_celery_needs_a_clock_and_only_for_faces(
    tmp_path: Path, engines: list[str], workloads: list[str], names: list[str]
) -> None:
    started = specs(tmp_path, engines, workloads)
    assert [spec.name for spec in started] == names
    for spec in started:
        assert json.loads(spec.env["CHANGEOVER_WORKLOADS"]) == workloads
        assert spec.restart_delay_s is not None


def test_temporary_files_stay_below_the_folder_of_the_arm(tmp_path: Path) -> None:
    for spec in specs(tmp_path / "arm", ["celery", "temporal"], ["face-similarity"]):
        assert Path(spec.env["TMPDIR"]) == tmp_path / "arm" / "tmp"
    assert (tmp_path / "arm" / "tmp").is_dir()
