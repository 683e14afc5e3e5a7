"""Real pictures, real videos, the real embedder: the same scores on both engines."""

from pathlib import Path
from typing import Any

from tests import media
from tests.acceptance.conftest import start_up, stop
from tests.media import Person

FILES = {
    "match": (media.id_image(Person.HOPPER), media.selfie_video(Person.HOPPER)),
    "no_match": (media.id_image(Person.HOPPER), media.selfie_video(Person.COLLINS)),
    "no_face": (media.jpeg(media.scenery()), media.selfie_video(Person.COLLINS)),
}


def _results(folder: Path, engine: str) -> dict[str, Any]:
    folder.mkdir()
    served = start_up(
        folder,
        *("--compute", "diffusers"),
        CHANGEOVER_BACKEND=engine,
        CHANGEOVER_WORKLOADS='["face-similarity"]',
    )
    try:
        jobs = {decision: served.session(session_id=decision) for decision in FILES}
        for decision, (image, video) in FILES.items():
            assert served.put(jobs[decision], "video", video).status_code == 201
            assert served.put(jobs[decision], "image", image).status_code == 201
        views = {decision: served.finished(job_id, 120) for decision, job_id in jobs.items()}
    finally:
        assert stop(served) == []
    assert {view["status"] for view in views.values()} == {"succeeded"}
    return {decision: view["result"] for decision, view in views.items()}


def test_the_same_person_matches_another_does_not_and_both_engines_agree(tmp_path: Path) -> None:
    results = _results(tmp_path / "celery", "celery")
    assert {name: result["decision"] for name, result in results.items()} == {
        name: name for name in FILES
    }
    assert results["match"]["similarity"] > 0.5 > results["no_match"]["similarity"]
    assert results["no_face"]["frame"] is None
    assert _results(tmp_path / "temporal", "temporal") == results
