"""What the workers of both engines import: for a process that forks them."""

from shared.compute.choose import import_libraries
from shared.policy import Queue
from shared.runtime import import_ahead
from shared.settings import Settings


def preload() -> None:
    """Import all that a worker's steps and models need; opens nothing and starts no thread."""
    import_libraries(Settings.from_environment())
    for role in Queue:
        import_ahead(role)
