"""A second build of an engine's code: a copy of its package with the change in it."""

import os
import shutil
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from bench.arms.engines import ENGINES
from bench.trials.deploys.changes import Edit, Way

FIRST, SECOND = "first", "second"
"""What the two builds are called."""
_NOT_CODE = shutil.ignore_patterns("__pycache__")


def build(way: Way, folder: Path) -> Mapping[str, str]:
    """Put the changed package into `folder`; return what makes a process run it.

    All else, what both engines share among it, is the code that is here.
    """
    package = ENGINES[way.engine].package
    original = package_folder(package)
    shutil.copytree(original, folder / package, ignore=_NOT_CODE)
    for edit in way.edits:
        apply(edit, folder / package)
    first_found = [folder, original.parent, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        "PYTHONPATH": os.pathsep.join(map(str, first_found)),
        # Without the working folder before it, which may be a checkout.
        "PYTHONSAFEPATH": "1",
        "CHANGEOVER_BUILD_ID": SECOND,
    }


def apply(edit: Edit, package: Path) -> None:
    """Change a file; `LookupError` if what is to be changed is not in it exactly once."""
    file = package / edit.file
    text = file.read_text()
    if text.count(edit.old) != 1:
        raise LookupError(f"{edit.file} does not have this once: {edit.old!r}")
    file.write_text(text.replace(edit.old, edit.new))


def package_folder(package: str) -> Path:
    """Return where a package's code is; it is not imported."""
    found = find_spec(package)
    if found is None or found.origin is None:
        raise LookupError(f"no package {package} in {sys.path}")
    return Path(found.origin).parent
