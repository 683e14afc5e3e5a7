"""Which code runs: what two builds are told apart by."""

import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_TREE = Path(__file__).parents[1]
_DESCRIBE = ("git", "describe", "--always", "--dirty", "--exclude=*")


@cache
def code_revision() -> str:
    """Return the commit of the tree that this code is in, `-dirty` if it was changed since.

    Outside a tree of its own, as in an image, the package's version, which tells no two builds of
    one version apart.
    """
    # A virtual environment inside another project's tree is not that project.
    if (_TREE / ".git").exists():
        try:
            said = subprocess.run(
                _DESCRIBE, cwd=_TREE, capture_output=True, text=True, timeout=5, check=True
            )
            return said.stdout.strip()
        except (OSError, subprocess.SubprocessError):
            pass
    try:
        return version("changeover")
    except PackageNotFoundError:
        return "unknown"
