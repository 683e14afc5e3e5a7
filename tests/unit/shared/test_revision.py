"""A build is called by its commit, and by another name where one is given."""

import subprocess
from pathlib import Path

import pytest

from shared import revision
from shared.settings import Settings
from temporal_impl import profile as profiles

_GIT = ("git", "-c", "user.name=n", "-c", "user.email=e@example.org")


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(revision, "_TREE", tmp_path)
    monkeypatch.setattr(revision, "code_revision", revision.code_revision.__wrapped__)
    return tmp_path


def _git(tree: Path, *arguments: str) -> str:
    done = subprocess.run([*_GIT, *arguments], cwd=tree, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_a_tree_is_called_by_its_commit_and_says_if_it_was_changed(tree: Path) -> None:
    _git(tree, "init")
    (tree / "code.py").write_text("1")
    _git(tree, "add", "code.py")
    _git(tree, "commit", "-m", "one")
    commit = _git(tree, "rev-parse", "--short", "HEAD")
    assert revision.code_revision() == commit
    (tree / "code.py").write_text("2")
    assert revision.code_revision() == f"{commit}-dirty"


def test_without_a_tree_of_its_own_a_build_is_called_by_the_packages_version(tree: Path) -> None:
    assert not (tree / ".git").exists()
    assert revision.code_revision() == revision.version("changeover")


def test_a_given_name_is_the_build_id_of_every_temporal_profile_that_sets_one() -> None:
    for name in ("tuned", "hardened", "standalone"):
        settings = Settings(profile=name, build_id="2026-11-27")
        assert profiles.load(settings).build_id == "2026-11-27"
        assert profiles.load(Settings(profile=name)).build_id == revision.code_revision()
    assert profiles.load(Settings(profile="stock", build_id="x")).build_id is None
