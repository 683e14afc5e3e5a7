"""What each rung takes: settings and lines of an engine's own code. `python -m tools.ladder`.

`ladder.toml` says what each module is for and what only some profiles use; lines are counted as the
capability matrix counts them, without blank lines, comments and docstrings. What both engines share
is in neither.
"""

import ast
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.capabilities.claims import code_lines
from shared.profiles import read_tables

ROOT = Path(__file__).parents[1]
RUNGS = ("stock", "tuned", "hardened")
PACKAGES = {"celery_impl": "Celery", "temporal_impl": "Temporal"}
_ALL = "*"
_NO_SETTINGS = ("promises", "detection")
_OURS = "steps."


@dataclass(frozen=True, slots=True)
class Package:
    """One engine's code by what it is for."""

    name: str
    plan: dict[str, Any]

    @property
    def modules(self) -> set[str]:
        """What there is to count, as paths below the package; empty modules are none."""
        folder = ROOT / self.name
        found = (path for path in folder.rglob("*.py") if "patterns" not in path.parts)
        return {str(path.relative_to(folder)) for path in found if code_lines(path.read_text())}

    def settings(self, profile: str) -> int:
        """Return how many settings of the engine a profile changes."""
        tables = read_tables(self.name, profile)
        unset = self.plan["defaults"].get(profile, [])
        own = [name for name in tables if name not in _NO_SETTINGS and not name.startswith(_OURS)]
        return len([name for name in own if unset != _ALL and name not in unset])

    def lines(self, purpose: str, profile: str) -> int:
        """Return the lines of code for one purpose that an arm with this profile uses."""
        return sum(self._lines(module, profile) for module in self.plan["for"][purpose])

    def total(self, profile: str) -> int:
        """Return all lines of code that an arm with this profile uses."""
        return sum(self.lines(purpose, profile) for purpose in self.plan["for"])

    def _lines(self, module: str, profile: str) -> int:
        source = (ROOT / self.name / module).read_text()
        lines = code_lines(source)
        for unit, profiles in self.plan["only"].items():
            path, _, name = unit.partition(":")
            if path == module and profile not in profiles:
                lines -= set(_span(source, name)) if name else lines
        return len(lines)


def packages() -> list[Package]:
    """Return both engines' packages."""
    plans = tomllib.loads((ROOT / "tools" / "ladder.toml").read_text())
    return [Package(name, plans[name]) for name in PACKAGES]


def table() -> str:
    """Return what docs/ladder.md has between its markers."""
    both = packages()
    columns = [(package, rung) for package in both for rung in RUNGS]
    head = [f"{PACKAGES[package.name].lower()}/{rung}" for package, rung in columns]
    rows = [
        ["settings that are set", *(str(package.settings(rung)) for package, rung in columns)],
        *(
            [purpose, *(str(package.lines(purpose, rung)) for package, rung in columns)]
            for purpose in both[0].plan["for"]
        ),
        ["**lines of code in all**", *(f"{package.total(rung):,}" for package, rung in columns)],
    ]
    rule = "|---|" + "--:|" * len(columns)
    return "\n".join([_row(["", *head]), rule, *map(_row, rows)])


def _row(entries: list[str]) -> str:
    return f"| {' | '.join(entries)} |"


def _span(source: str, name: str) -> range:
    """Return the lines of a function or a class, `KeyError` if there is none."""
    for found, node in _named(ast.parse(source), ""):
        if found == name:
            first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
            return range(first, (node.end_lineno or node.lineno) + 1)
    raise KeyError(name)


def _named(
    tree: ast.AST, prefix: str
) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield prefix + node.name, node
            yield from _named(node, f"{prefix}{node.name}.")


if __name__ == "__main__":
    print(table())
