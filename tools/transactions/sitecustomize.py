"""Python imports this first in every process whose path has this folder: it counts transactions.

Each transaction is a JSON line in `CHANGEOVER_TRANSACTIONS/<pid>`: whether it may write, and which
function asked for which statement. Nothing of the product knows of it.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

FOLDER = "CHANGEOVER_TRANSACTIONS"
_OPEN = "transaction"


def _caller() -> str:
    """Return the public function that asks, as `module:Class.method`."""
    frame = sys._getframe(2)
    while frame.f_back is not None:
        module, name = str(frame.f_globals.get("__name__")), frame.f_code.co_name
        ours = (
            not module.startswith(("sqlalchemy", "contextlib")) and module != "shared.adapters.sql"
        )
        if ours and not name.startswith(("_", "<")):
            return f"{module}:{frame.f_code.co_qualname}"
        frame = frame.f_back
    return "unknown"


def _begun(connection: Any) -> None:
    connection.info[_OPEN] = []


def _asked(
    connection: Any, _cursor: Any, statement: str, parameters: object, _context: Any, _many: bool
) -> None:
    if statement.startswith("BEGIN"):
        return
    asked = {"by": _caller(), "statement": statement[:80], "parameters": repr(parameters)[:4000]}
    connection.info.setdefault(_OPEN, []).append(asked)


def _ended(connection: Any) -> None:
    if asked := connection.info.pop(_OPEN, None):
        write = not connection.get_execution_options().get("read_only")
        line = json.dumps({"write": write, "asked": asked}) + "\n"
        with (Path(os.environ[FOLDER]) / str(os.getpid())).open("a") as file:
            file.write(line)


if FOLDER in os.environ:
    from sqlalchemy import Engine, event

    event.listen(Engine, "begin", _begun)
    event.listen(Engine, "before_cursor_execute", _asked)
    event.listen(Engine, "commit", _ended)
    event.listen(Engine, "rollback", _ended)
