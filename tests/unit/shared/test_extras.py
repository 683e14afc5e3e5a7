"""What a driver lacks is said in one sentence, with the extra that has it."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from shared import extras
from shared.domain.errors import MissingExtra
from shared.extras import Need, needed_to_compute, needed_to_serve, require

ROOT = Path(__file__).parents[3]
BOTH = ["face-similarity", "image-generation"]


def _extras(compute: str, *workloads: str) -> list[str]:
    return [need.extra for need in needed_to_compute(compute, workloads)]


def test_what_is_simulated_needs_an_extra_for_face_sessions_only() -> None:
    assert _extras("simulated", "image-generation") == []
    assert _extras("simulated", *BOTH) == ["faces"]
    assert set(_extras("diffusers", "image-generation")) == {"images"}
    assert set(_extras("diffusers", *BOTH)) == {"images", "faces"}


def test_a_facade_needs_what_looks_into_files_and_no_driver() -> None:
    assert needed_to_serve(["image-generation"]) == []
    assert needed_to_serve(BOTH) == needed_to_compute("simulated", BOTH)


def test_all_that_is_missing_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "_is_installed", lambda name: name == "there")
    needs = [
        Need("the one driver", ("a", "there", "b"), "x"),
        Need("the other", ("there",), "x"),
        Need("the third", ("c",), "y"),
    ]
    with pytest.raises(MissingExtra) as refused:
        require(needs)
    assert str(refused.value) == (
        "the one driver needs a and b: pip install 'changeover[x]'; "
        "the third needs c: pip install 'changeover[y]'"
    )
    assert refused.value.exit_status == 3
    require([needs[1]])


@pytest.mark.parametrize(
    "hide", ["sys.modules['av'] = None", "sys.meta_path.insert(0, Hidden(['av']))"]
)
def test_a_package_counts_as_missing_however_it_is_hidden(hide: str) -> None:
    code = (
        "import sys\nfrom tests.without import Hidden\nfrom shared.extras import _is_installed\n"
        f"{hide}\nprint(_is_installed('av'), _is_installed('no_such_package'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.strip() == "False False", done.stderr


def test_every_extra_that_is_named_is_one_that_can_be_installed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = {need.extra for need in needed_to_compute("diffusers", BOTH)}
    assert named == {"images", "faces"}
    assert named <= project["optional-dependencies"].keys()
    (everything,) = [
        item for item in project["optional-dependencies"]["dev"] if "changeover" in item
    ]
    assert all(extra in everything for extra in project["optional-dependencies"] if extra != "dev")
