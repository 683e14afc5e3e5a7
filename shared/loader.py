"""The only place that reaches an engine, by a string, so that `shared` never imports one."""

from importlib import import_module
from typing import cast

from shared.domain.errors import BadSetting
from shared.ports.engine import Engine
from shared.settings import Settings

ENGINES = {
    "celery": "celery_impl.engine:create_engine",
    "temporal": "temporal_impl.engine:create_engine",
}


def load_engine(name: str, settings: Settings) -> Engine:
    """Return the engine `name`; `BadSetting` if there is no such engine."""
    try:
        module, _, factory = ENGINES[name].partition(":")
    except KeyError:
        raise BadSetting(
            f"CHANGEOVER_BACKEND={name!r}: choose one of {', '.join(ENGINES)}"
        ) from None
    return cast(Engine, getattr(import_module(module), factory)(settings))
