"""The facade in this process, with an engine in memory."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from shared import loader
from shared.facade.app import create_app
from shared.settings import Settings
from tests.unit.shared.facade.fake_engine import FakeEngine


class Facade:
    """A client of the facade, and what lies behind it."""

    def __init__(self, client: TestClient, folder: Path) -> None:
        self.client = client
        self.folder = folder
        self.service = client.app.state.service  # type: ignore[attr-defined]
        assert client.portal is not None
        self.engine: FakeEngine = client.portal.call(self.service.router.for_new_jobs)

    def session(self, **changes: Any) -> str:
        body = {"user_id": "ada", "session_id": "one", **changes}
        answer = self.client.post("/v1/jobs/face-similarity", json=body)
        assert answer.status_code == 202, answer.text
        job_id: str = answer.json()["job_id"]
        return job_id

    def put(self, job_id: str, slot: str, data: Any, **headers: str) -> Any:
        return self.client.put(f"/v1/jobs/{job_id}/files/{slot}", content=data, headers=headers)

    def view(self, job_id: str) -> dict[str, Any]:
        view: dict[str, Any] = self.client.get(f"/v1/jobs/{job_id}").json()
        return view

    def stored(self) -> set[str]:
        """Return the hashes of the uploads in the store."""
        return {path.name for path in (self.folder / "uploads").rglob("*") if path.is_file()}

    def temporary(self) -> list[Path]:
        return list((self.folder / "tmp").iterdir())


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Facade]]:
    """Start a facade with settings of one's own."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    monkeypatch.setitem(
        loader.ENGINES, "celery", "tests.unit.shared.facade.fake_engine:create_engine"
    )
    with ExitStack() as stack:

        def begin(**settings: Any) -> Facade:
            app = create_app(
                Settings(
                    database_url=f"sqlite:///{tmp_path / 'facade.db'}",
                    artifacts_url=f"file://{tmp_path}",
                    **settings,
                )
            )
            return Facade(stack.enter_context(TestClient(app)), tmp_path)

        yield begin


@pytest.fixture
def facade(start: Callable[..., Facade]) -> Facade:
    return start(image_limit_bytes=100_000, video_limit_bytes=400_000)
