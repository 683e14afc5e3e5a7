"""Makes calls to an engine from a process of its own: `caller ENGINE '[["start", ...], ...]'`.

All calls are made at once. The environment says which servers.
"""

import asyncio
import json
import sys
from importlib import import_module

from shared.ports.patterns import Patterns
from shared.settings import Settings


async def main() -> None:
    """Make the calls; a call that fails ends the process with its error."""
    engine, script = sys.argv[1], json.loads(sys.argv[2])
    module = import_module(f"{engine}_impl.patterns.engine")
    patterns: Patterns = module.create_patterns(Settings.from_environment())
    try:
        async with asyncio.timeout(20), asyncio.TaskGroup() as group:
            for call, *arguments in script:
                group.create_task(getattr(patterns, call)(*arguments))
    finally:
        await patterns.close()


if __name__ == "__main__":
    asyncio.run(main())
