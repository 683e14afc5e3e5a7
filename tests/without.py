"""Runs a module where some packages are not installed: `python -m tests.without av,torch bench up`.

The packages are hidden from the import system of that one process.
"""

import runpy
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec


class Hidden:
    """A finder that answers first, and for the hidden packages only: they are not there."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names

    def find_spec(self, name: str, *_: object) -> ModuleSpec | None:
        if name.partition(".")[0] in self._names:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return None


def main() -> None:
    """Hide the packages, then run the module with the arguments that are left."""
    _, names, module, *arguments = sys.argv
    sys.meta_path.insert(0, Hidden(names.split(",")))  # type: ignore[arg-type]
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
