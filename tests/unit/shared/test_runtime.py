"""The composition root wires what is served, and loads no other model."""

from dataclasses import replace
from pathlib import Path

import pytest

from shared.policy import Queue
from shared.runtime import build_runtime
from shared.settings import Settings


class Model:
    def __init__(self) -> None:
        self.loaded = False

    def load(self) -> None:
        self.loaded = True


@pytest.mark.parametrize(
    ("workloads", "loaded"),
    [
        ({"image-generation"}, (True, False)),
        ({"face-similarity"}, (False, True)),
        ({"image-generation", "face-similarity"}, (True, True)),
    ],
    ids=lambda value: "+".join(sorted(value)) if isinstance(value, set) else None,
)
def test_only_the_models_of_what_is_served_are_loaded(
    tmp_path: Path, workloads: set[str], loaded: tuple[bool, bool]
) -> None:
    settings = Settings(
        compute="simulated",
        workloads=frozenset(workloads),
        database_url=f"sqlite:///{tmp_path / 'runtime.db'}",
        artifacts_url=f"file://{tmp_path}",
    )
    images, faces = Model(), Model()
    runtime = replace(
        build_runtime(settings), parts={"image-generation": images, "face-similarity": faces}
    )
    runtime.warm_up(Queue.CPU)
    assert (images.loaded, faces.loaded) == (False, False)
    runtime.warm_up(Queue.GPU)
    assert (images.loaded, faces.loaded) == loaded
    runtime.database.dispose()


def test_uploads_are_kept_apart_from_artifacts(tmp_path: Path) -> None:
    for url in (f"file://{tmp_path}", f"file://{tmp_path}/"):
        assert Settings(artifacts_url=url).uploads_url == f"file://{tmp_path}/uploads"
