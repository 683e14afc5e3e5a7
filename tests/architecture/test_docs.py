"""The reference tables in docs/ are what the code says. A failure prints the table to put there."""

import re
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute

from bench.arms.engines import ENGINES, profiles_of
from bench.report.glossary import WORDS
from shared.facade import file_routes, job_routes, operator_routes, review_routes
from shared.facade.submit_routes import submit_router
from shared.settings import Settings
from shared.workloads.table import WORKLOADS

ROOT = Path(__file__).parents[2]
_FIRST = ("stock", "tuned", "hardened")
PROFILES = {
    engine: [*_FIRST, *(name for name in profiles_of(engine) if name not in _FIRST)]
    for engine in ENGINES
}


def _value(value: Any) -> str:
    match value:
        case {"budget_minus": x, "over": n}:
            return f"(budget - {x:g}) / {n}, whole"
        case {"budget_minus": x}:
            return f"budget - {x:g}"
        case {"budget_times": x}:
            return f"{x:g} x budget"
        case {"grace_minus": x}:
            return f"grace - {x:g}"
        case {"setting": name, "plus": more}:
            return f"setting `{name}` + {more:g}"
        case {"setting": name, "times": of}:
            return f"`{name}` x ({_value(of)})"
        case {"setting": name}:
            return f"setting `{name}`"
        case {"none": True}:
            return "`None`"
        case dict():
            return "<br>".join(
                f"`{name}` = {_value(item)}" if isinstance(item, dict) else f"`{name} = {item}`"
                for name, item in value.items()
            )
        case bool():
            return f"`{str(value).lower()}`"
        case _:
            return f"`{value}`"


def _table(engine: str) -> str:
    """The settings of an engine's profiles; the reason is the most demanding profile's."""
    names = PROFILES[engine]
    folder = ROOT / f"{engine}_impl" / "profiles"
    profiles = [tomllib.loads((folder / f"{name}.toml").read_text()) for name in names]
    demanding = [*profiles[2:], profiles[1], profiles[0]]
    settings = list(dict.fromkeys(setting for profile in demanding for setting in profile))
    for profile in profiles:
        promises = profile["promises"]
        promises["value"] = {"kept": ", ".join(promises["kept"]) or "nothing"}
        if detection := profile.get("detection"):
            within = _value(detection["timeout"])
            detection["value"] = {"clock": detection["clock"], "timeout": within}
    dated = any("since" in table for profile in profiles for table in profile.values())
    columns = ["setting", *names, *(["since"] if dated else []), "why"]
    rows = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    for setting in settings:
        values = [_value(p[setting]["value"]) if setting in p else "-" for p in profiles]
        told = next(profile[setting] for profile in demanding if setting in profile)
        cells = [*values, *([told.get("since", "ours")] if dated else []), told["reason"]]
        rows.append(f"| `{setting}` | {' | '.join(cells)} |")
    return "\n".join(rows)


@pytest.mark.parametrize("engine", PROFILES)
def test_the_table_of_settings_is_what_the_profiles_say(engine: str) -> None:
    page = (ROOT / "docs" / "engines.md").read_text()
    (written,) = re.findall(
        rf"<!-- {engine}:begin -->\n(.*?)\n?<!-- {engine}:end -->", page, re.DOTALL
    )
    assert written.strip() == _table(engine), f"docs/engines.md should have:\n\n{_table(engine)}\n"


def test_every_setting_of_a_process_is_documented() -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    documented = set(re.findall(r"^\| `(CHANGEOVER_\w+)` \|", page, re.MULTILINE))
    assert documented == {f"CHANGEOVER_{name.upper()}" for name in Settings.model_fields}


def test_every_route_is_documented() -> None:
    page = (ROOT / "docs" / "http-api.md").read_text()
    documented = set(re.findall(r"^\| `((?:GET|POST|PUT) /\S*)` \|", page, re.MULTILINE))
    routers = [
        *(module.router for module in (file_routes, review_routes, job_routes, operator_routes)),
        *map(submit_router, WORKLOADS.values()),
    ]
    served = {
        f"{method} {route.path}"
        for router in routers
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in route.methods
    }
    assert documented == served


def test_the_glossary_is_the_one_that_reports_use() -> None:
    rows = "\n".join(f"| {word} | {meaning} |" for word, meaning in WORDS.items())
    page = (ROOT / "docs" / "glossary.md").read_text()
    (written,) = re.findall(r"<!-- words:begin -->\n(.*)\n<!-- words:end -->", page, re.DOTALL)
    assert written == f"| word | meaning |\n|---|---|\n{rows}", rows


def test_the_readme_counts_the_claims_as_the_table_has_them() -> None:
    seen = Counter(re.findall(r"^\|[^|]+\| ([a-z ]+) \|", _page("claims.md"), re.MULTILINE))
    del seen["seen"]
    said = ", ".join(f"{count} {verdict}" for verdict, count in seen.most_common())
    assert f"{seen.total()} claims: {said}" in " ".join((ROOT / "README.md").read_text().split())


def test_every_room_is_named() -> None:
    rooms = {
        str(init.parent.relative_to(ROOT))
        for package in ("bench", "shared", "celery_impl", "temporal_impl", "tools")
        for init in ROOT.glob(f"{package}/**/__init__.py")
    }
    assert rooms <= set(re.findall(r"\]\(\.\./([^)]+)\)", _page("whats-here.md")))


def _page(name: str) -> str:
    return (ROOT / "docs" / name).read_text()
