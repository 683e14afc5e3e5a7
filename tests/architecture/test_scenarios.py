"""docs/scenarios.md has every key that a scenario may have; a failure prints the tables."""

import json
import re
from pathlib import Path
from typing import Any

from bench.scenario.model import Scenario

PAGE = Path(__file__).parents[2] / "docs" / "scenarios.md"
TABLES = {
    "Scenario": "At the top",
    "Stage": "`[[stages]]`",
    "JobShape": "`[stages.job]`",
    "CellPlan": "`[[stages.cells]]`",
    "SoakPlan": "`[soak]`",
    "MixEntry": "`[[soak.mix]]`",
    "IdempotencyPlan": "`[idempotency]`",
}
"""The models by name, and where in the file each stands."""


def _reference() -> str:
    schema = Scenario.model_json_schema()
    models = {"Scenario": schema, **schema["$defs"]}
    assert set(TABLES) <= set(models)
    parts = []
    for name, where in TABLES.items():
        model = models[name]
        rows = [
            f"| `{key}` | {_kind(value, models)} | {_default(key, value, model)} "
            f"| {value['description'].replace(chr(10), ' ')} |"
            for key, value in model["properties"].items()
        ]
        head = "| key | value | default | meaning |\n|---|---|---|---|"
        parts.append("\n".join([f"### {where}", "", model["description"], "", head, *rows]))
    return "\n\n".join(parts)


def _kind(value: dict[str, Any], models: dict[str, Any]) -> str:
    options = [each for each in value.get("anyOf", [value]) if each.get("type") != "null"]
    (value,) = options
    if "$ref" in value:
        name = value["$ref"].rpartition("/")[2]
        return TABLES[name] if name in TABLES else _kind(models[name], models)
    if value.get("type") == "object":
        return f"table of {_kind(value['additionalProperties'], models)} by arm"
    if "enum" in value:
        return ", ".join(f"`{each}`" for each in value["enum"])
    if value["type"] == "array":
        inside = value.get("items") or value["prefixItems"][0]
        return f"list of {_kind(inside, models)}"
    words = {
        "integer": "whole number",
        "number": "number",
        "string": "text",
        "boolean": "yes or no",
    }
    said = words[value["type"]]
    low = value.get("minimum", value.get("exclusiveMinimum"))
    if low is not None and "maximum" in value:
        said += f", {low} to {value['maximum']}"
    elif low is not None:
        said += f", {'at least' if 'minimum' in value else 'above'} {low:g}"
    return said


def _default(key: str, value: dict[str, Any], model: dict[str, Any]) -> str:
    if key in model.get("required", []):
        return "required"
    given = value.get("default")
    return f"`{json.dumps(given)}`" if given not in (None, [], {}, "") else "none"


def test_the_reference_has_every_key_of_the_models() -> None:
    (written,) = re.findall(r"<!-- keys:begin -->\n(.*)\n<!-- keys:end -->", PAGE.read_text(), re.S)
    assert written == _reference(), f"docs/scenarios.md should have:\n\n{_reference()}\n"
