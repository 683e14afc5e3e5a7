"""docs/ladder.md counts what is there; a failure prints the table to put there."""

import re

import pytest

from shared.profiles import profile_names
from tools.ladder import ROOT as TREE
from tools.ladder import RUNGS, Package, packages, table

PAGE = (TREE / "docs" / "ladder.md").read_text()


def test_the_table_is_what_is_counted() -> None:
    (written,) = re.findall(r"<!-- ladder:begin -->\n(.*?)\n<!-- ladder:end -->", PAGE, re.DOTALL)
    assert written == table(), f"docs/ladder.md should have:\n\n{table()}\n"


@pytest.mark.parametrize("package", packages(), ids=lambda package: package.name)
def test_every_module_of_an_engine_is_counted_once(package: Package) -> None:
    counted = [module for modules in package.plan["for"].values() for module in modules]
    assert len(counted) == len(set(counted))
    assert package.modules <= set(counted)


@pytest.mark.parametrize("package", packages(), ids=lambda package: package.name)
def test_what_only_some_profiles_use_is_there_and_so_are_they(package: Package) -> None:
    modules = {module for modules in package.plan["for"].values() for module in modules}
    profiles = set(profile_names(package.name))
    for unit, only in package.plan["only"].items():
        assert unit.partition(":")[0] in modules
        assert set(only) <= profiles
    for profile in profiles:
        assert package.total(profile) > 0  # raises if a part is not there


def test_celery_takes_a_sixth_to_a_quarter_more_lines_than_temporal_on_every_rung() -> None:
    """What the pages say; should it cease to be so, they have to say something else."""
    celery, temporal = packages()
    for rung in RUNGS:
        assert 1.05 < celery.total(rung) / temporal.total(rung) < 1.25


def test_both_engines_are_counted_by_the_same_purposes() -> None:
    celery, temporal = packages()
    assert list(celery.plan["for"]) == list(temporal.plan["for"])
