"""Engine profiles: TOML files beside an engine's code, every value with its reason and source.

A profile is a table a setting:

    [visibility_timeout_s]
    value = { budget_minus = 1.0 }
    reason = "..."
    source = "..."

`value` is a literal, or `{ budget_minus = x }`: the detection budget less `x`, or
`{ budget_times = x }`, or `{ grace_minus = x }`: the stop grace less `x`; all in seconds.
"""

import tomllib
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from shared.domain.errors import BadSetting
from shared.domain.jobs import EffectiveSetting
from shared.settings import Settings

_FIELDS = {"value", "reason", "source"}


@dataclass(frozen=True, slots=True)
class Profile:
    """The effective values of one profile, with why each is what it is."""

    name: str
    effective: list[EffectiveSetting]
    values: dict[str, Any]

    def seconds(self, name: str) -> float:
        """Return a duration; `KeyError` if the profile does not set it."""
        return float(self.values[name])

    def optional_seconds(self, name: str) -> float | None:
        """Return a duration, None if the profile leaves it to the engine."""
        return self.seconds(name) if name in self.values else None


def load_profile(package: str, settings: Settings) -> Profile:
    """Read `<package>/profiles/<settings.profile>.toml` and work out its values.

    `BadSetting` if there is no such profile, or a setting lacks its value, reason or source.
    """
    folder = files(package) / "profiles"
    names = sorted(item.name.removesuffix(".toml") for item in folder.iterdir())
    if settings.profile not in names:
        raise BadSetting(
            f"CHANGEOVER_PROFILE={settings.profile!r}: {package} has {', '.join(names)}"
        )
    tables = tomllib.loads((folder / f"{settings.profile}.toml").read_text())
    values: dict[str, Any] = {}
    effective = []
    for name, table in tables.items():
        if set(table) != _FIELDS:
            raise BadSetting(f"{settings.profile}.toml: [{name}] needs value, reason and source")
        values[name] = _resolve(table["value"], settings)
        effective.append(
            EffectiveSetting(name, str(values[name]), table["reason"], table["source"])
        )
    return Profile(settings.profile, effective, values)


def _resolve(value: Any, settings: Settings) -> Any:
    match value:
        case {"budget_minus": x}:
            return settings.detection_budget_s - x
        case {"budget_times": x}:
            return settings.detection_budget_s * x
        case {"grace_minus": x}:
            return settings.stop_grace_s - x
        case _:
            return value
