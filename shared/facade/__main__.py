"""Serves the facade: `python -m shared.facade --port 8000`."""

import argparse
import sys

import uvicorn

from shared.domain.errors import ChangeoverError
from shared.extras import needed_to_serve, require
from shared.facade.app import create_app
from shared.settings import Settings


def main() -> int:
    """Serve until told to stop; 2 if a setting is wrong, 3 if something is not installed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    arguments = parser.parse_args()
    try:
        settings = Settings.from_environment()
        require(needed_to_serve(settings.workloads))
    except ChangeoverError as error:
        print(error, file=sys.stderr)
        return error.exit_status
    uvicorn.run(
        create_app(settings),
        host=arguments.host,
        port=arguments.port,
        log_level="warning",
        # Followers hold their streams open; they are cut off rather than waited for.
        timeout_graceful_shutdown=1,
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
