"""What the README says is there is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def _links(page: Path) -> list[str]:
    targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text())
    return [target for target in targets if "://" not in target]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    broken = [link for link in _links(page) if not (page.parent / link).exists()]
    assert broken == []


def test_every_path_that_is_named_exists() -> None:
    roots = "bench|shared|celery_impl|temporal_impl|tools|tests|docs"
    for page in PAGES:
        named = re.findall(rf"(?<![\w/])(?:{roots})/[\w./-]+\w", page.read_text())
        assert [path for path in named if not (ROOT / path).exists()] == [], page.name


def test_every_make_target_that_is_named_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, flags=re.MULTILINE))
    for page in PAGES:
        named = set(re.findall(r"`(?:[A-Z_]+=\S+ )?make ([a-z-]+)`", page.read_text()))
        assert named <= targets, page.name


def test_every_variable_that_is_named_is_a_setting() -> None:
    from shared.settings import Settings

    known = {f"CHANGEOVER_{name.upper()}" for name in Settings.model_fields}
    for page in PAGES:
        named = set(re.findall(r"CHANGEOVER_[A-Z_]*[A-Z]", page.read_text()))
        assert {name for name in named if not name.startswith("CHANGEOVER_TEST_")} <= known, (
            page.name
        )
