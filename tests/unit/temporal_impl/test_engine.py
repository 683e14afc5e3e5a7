"""What the engine says without a server."""

from urllib.parse import unquote

import pytest

from shared.domain.faces import FACE_SIMILARITY
from shared.domain.ids import new_job_id
from shared.domain.jobs import IMAGE_GENERATION
from shared.settings import Settings
from temporal_impl.engine import create_engine

_PAGES = "http://127.0.0.1:8233/namespaces/changeover"


@pytest.mark.parametrize("profile", ["stock", "tuned", "hardened", "standalone"])
@pytest.mark.parametrize("workload", [IMAGE_GENERATION, FACE_SIMILARITY])
def test_a_job_is_linked_to_the_page_of_what_it_is_on_the_server(
    profile: str, workload: str
) -> None:
    settings = Settings(profile=profile, temporal_ui_url="http://127.0.0.1:8233/")
    job_id = new_job_id()
    url = create_engine(settings).ui_url(job_id, workload)
    assert url is not None
    if (profile, workload) == ("standalone", IMAGE_GENERATION):
        assert unquote(url) == f'{_PAGES}/activities?query=ActivityId="{job_id}"'
    else:
        assert url == f"{_PAGES}/workflows/{job_id}"


def test_without_a_user_interface_there_is_no_link() -> None:
    assert create_engine(Settings()).ui_url(new_job_id(), FACE_SIMILARITY) is None
