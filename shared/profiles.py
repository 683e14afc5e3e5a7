"""Engine profiles: TOML files beside an engine's code, every value with its reason and source.

A profile is a table a setting:

    [visibility_timeout_s]
    value = { budget_minus = 1.0 }
    reason = "..."
    source = "..."
    since = "..."    # optional: the version that brought it

`value` is a literal, or `{ budget_minus = x }`: the detection budget less `x`, or
`{ budget_times = x }`, or `{ grace_minus = x }`: the stop grace less `x`; all in seconds. With
`over = n`, the n-th part of `budget_minus`, in whole seconds. Or
`{ setting = "build" }`: what the settings of the process make of it; with `times = value`, so much
of another value, or with `plus = x`, so much more. A table may have any of them inside. TOML has no
null: `{ none = true }` is None.

`[promises]` alone is no setting: `kept` are the promises that the profile is held to wherever it is
measured, `reason` says why it can keep them, or why it makes none. `expected_as` may name the
profile whose entries in the table of expectations are this one's too.

`[detection]` is no setting either: which `clock` notices a dead worker, the `timeout` that the
budget leaves it, and by how much (`lag`, which may be `{ timeout_times = x }`) a sign of life may
be late. A profile whose settings do not follow from the budget has none.
"""

import tomllib
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from shared.domain.detection import Clock, Detection
from shared.domain.errors import BadSetting
from shared.domain.jobs import EffectiveSetting
from shared.domain.promises import Promise, Promises
from shared.settings import Settings

_FIELDS = {"value", "reason", "source"}
_SINCE = "since"
_PROMISES = "promises"
_OF_PROMISES = {"kept", "reason"}
_DETECTION = "detection"
_OF_DETECTION = {"clock", "timeout", "reason"}


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

    `BadSetting` if there is no such profile, a setting lacks its value, reason or source, or the
    detection budget leaves the engine nothing to notice a dead worker by.
    """
    tables = read_tables(package, settings.profile)
    _promises(settings.profile, tables.pop(_PROMISES, {}))
    detection = _detection(settings.profile, tables.pop(_DETECTION, None), settings)
    if detection and not detection.possible:
        raise BadSetting(
            f"CHANGEOVER_DETECTION_BUDGET_S={settings.detection_budget_s:g} is too short for "
            f"{settings.profile} of {package}: {detection.reason}"
        )
    values: dict[str, Any] = {}
    effective = []
    for name, table in tables.items():
        if set(table) - {_SINCE} != _FIELDS:
            raise BadSetting(f"{settings.profile}.toml: [{name}] needs value, reason and source")
        values[name] = _resolve(table["value"], settings)
        effective.append(
            EffectiveSetting(
                name, str(values[name]), table["reason"], table["source"], table.get(_SINCE, "")
            )
        )
    return Profile(settings.profile, effective, values)


def profile_names(package: str) -> list[str]:
    """Return the names of the profiles that an engine ships."""
    folder = files(package) / "profiles"
    names = [item.name for item in folder.iterdir() if item.name.endswith(".toml")]
    return sorted(name.removesuffix(".toml") for name in names)


def read_tables(package: str, name: str) -> dict[str, Any]:
    """Read `<package>/profiles/<name>.toml`; `BadSetting` if there is no such profile."""
    names = profile_names(package)
    if name not in names:
        raise BadSetting(f"CHANGEOVER_PROFILE={name!r}: {package} has {', '.join(names)}")
    return tomllib.loads((files(package) / "profiles" / f"{name}.toml").read_text())


def read_promises(package: str, name: str) -> Promises:
    """Read what a profile promises; `BadSetting` if it does not say, or says it wrong."""
    return _promises(name, read_tables(package, name).get(_PROMISES, {}))


def read_detection(package: str, name: str, settings: Settings) -> Detection | None:
    """Read how a profile notices a dead worker, None if not by what follows from the budget.

    `BadSetting` if its table is wrong.
    """
    return _detection(name, read_tables(package, name).get(_DETECTION), settings)


def _promises(name: str, table: dict[str, Any]) -> Promises:
    kept, known = table.get("kept"), [str(promise) for promise in Promise]
    if not _OF_PROMISES <= set(table) <= {*_OF_PROMISES, "expected_as"} or not (
        isinstance(kept, list) and set(kept) <= set(known)
    ):
        raise BadSetting(
            f"{name}.toml: [promises] needs kept, a list with any of {', '.join(known)}"
            " (none for a profile that promises nothing), and reason; expected_as is optional"
        )
    return Promises(tuple(map(Promise, kept)), table.get("expected_as", name))


def _detection(name: str, table: dict[str, Any] | None, settings: Settings) -> Detection | None:
    if table is None:
        return None
    clocks = [str(clock) for clock in Clock]
    if not _OF_DETECTION <= set(table) <= {*_OF_DETECTION, "lag"} or table["clock"] not in clocks:
        raise BadSetting(
            f"{name}.toml: [detection] needs clock ({', '.join(clocks)}), timeout and reason;"
            " lag is optional"
        )
    timeout_s = float(_resolve(table["timeout"], settings))
    match table.get("lag", 0.0):
        case {"timeout_times": share}:
            lag_s = timeout_s * share
        case lag:
            lag_s = float(_resolve(lag, settings))
    return Detection(
        clock=Clock(table["clock"]),
        timeout_s=timeout_s,
        lag_s=lag_s,
        reason=table["reason"],
    )


def _resolve(value: Any, settings: Settings) -> Any:
    match value:
        case {"budget_minus": x, "over": n}:
            return int((settings.detection_budget_s - x) // n)
        case {"budget_minus": x}:
            return settings.detection_budget_s - x
        case {"budget_times": x}:
            return settings.detection_budget_s * x
        case {"grace_minus": x}:
            return settings.stop_grace_s - x
        case {"setting": name, "plus": more}:
            return getattr(settings, name) + more
        case {"setting": name, "times": of}:
            return getattr(settings, name) * _resolve(of, settings)
        case {"setting": name}:
            return getattr(settings, name)
        case {"none": True}:
            return None
        case dict():
            return {key: _resolve(each, settings) for key, each in value.items()}
        case _:
            return value
