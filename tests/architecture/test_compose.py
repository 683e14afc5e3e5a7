"""docker-compose.yml is sound, as far as that shows without a container engine."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from bench.load.plan import PLAN_VARIABLE, read_plans
from celery_impl.app import build_app
from shared.settings import Settings

ROOT = Path(__file__).parents[2]
WORKERS = ["celery-gpu", "celery-cpu", "temporal-gpu", "temporal-cpu"]
ONE_SHOT = {"temporal-schema", "temporal-namespace", "load"}
_VARIABLE = re.compile(r"\$(?:(\$)|\{\w+:-([^}]*)\})")
_LIMIT_S = 60


def _compose() -> dict[str, Any]:
    """The file as Compose reads it when no variable is set."""
    text = (ROOT / "docker-compose.yml").read_text()
    plain: dict[str, Any] = yaml.safe_load(
        _VARIABLE.sub(lambda match: match[1] or match[2] or "", text)
    )
    return plain


COMPOSE = _compose()
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def _settings(monkeypatch: pytest.MonkeyPatch, service: str) -> Settings:
    for name, value in SERVICES[service]["environment"].items():
        monkeypatch.setenv(name, str(value))
    return Settings.from_environment()


def _run(*argv: str) -> str:
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=_LIMIT_S)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_file_follows_the_compose_specification() -> None:
    checker = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    _run(*checker, "docker-compose.yml")


def test_every_part_of_the_design_is_a_service() -> None:
    servers = {
        "celery-beat",
        "redis",
        "postgres",
        "temporal",
        "temporal-ui",
        "flower",
        "effect-sink",
    }
    assert set(SERVICES) == {"facade", *WORKERS, "celery-beat", *servers, *ONE_SHOT}
    assert SERVICES["load"]["profiles"] == ["load"]


def test_every_image_is_pinned() -> None:
    for name, service in SERVICES.items():
        assert re.fullmatch(r"[\w/-]+:\d+(\.\d+)+(-alpine)?", service["image"]), name
    assert {service["image"] for service in OURS.values()} == {f"changeover:{PROJECT['version']}"}


def test_the_image_is_pinned_not_run_as_root_and_has_what_the_services_need() -> None:
    text = (ROOT / "Dockerfile").read_text()
    assert re.search(r"^ARG PYTHON_IMAGE=python:3\.11-slim-\w+$", text, re.M)
    assert set(re.findall(r"^FROM (\S+)", text, re.M)) == {"${PYTHON_IMAGE}"}
    (uid,) = re.findall(r"^USER (\d+)$", text, re.M)
    assert int(uid) > 0
    (extras,) = re.findall(r"'\.\[([\w,]+)\]'", text)
    # The facade and workers of both workloads, PostgreSQL and Flower.
    assert set(extras.split(",")) == {"images", "faces", "postgres", "monitoring"}
    assert set(extras.split(",")) <= PROJECT["optional-dependencies"].keys()
    for name in re.findall(r"^COPY (?!--)(.+) \S+$", text, re.M):
        assert all((ROOT / part).exists() for part in name.split()), name


def test_every_volume_config_and_dependency_that_a_service_names_is_there() -> None:
    for service in SERVICES.values():
        sources = {volume.partition(":")[0] for volume in service.get("volumes", [])}
        assert sources <= set(COMPOSE["volumes"])
        assert {item["source"] for item in service.get("configs", [])} <= set(COMPOSE["configs"])
        for needed, how in service.get("depends_on", {}).items():
            if how["condition"] == "service_healthy":
                assert "healthcheck" in SERVICES[needed]
            else:
                assert needed in ONE_SHOT


def test_every_lasting_service_restarts_and_ours_have_an_init_and_a_health_check() -> None:
    for name in set(SERVICES) - ONE_SHOT:
        assert SERVICES[name]["restart"] == "unless-stopped"
    for name, service in OURS.items():
        assert service["init"] is True
        assert "healthcheck" in service or name in ONE_SHOT


@pytest.mark.parametrize("role", ["gpu", "cpu"])
def test_workers_of_both_engines_differ_in_their_command_and_their_server_only(role: str) -> None:
    celery, temporal = (dict(SERVICES[f"{engine}-{role}"]) for engine in ("celery", "temporal"))
    for worker in (celery, temporal):
        del worker["command"], worker["depends_on"]
    assert celery == temporal


@pytest.mark.parametrize("name", ["facade", *WORKERS])
def test_the_settings_are_valid_and_the_grace_is_the_one_that_compose_grants(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = _settings(monkeypatch, name)
    if name in WORKERS:
        assert SERVICES[name]["stop_grace_period"] == f"{settings.stop_grace_s:g}s"


def test_every_variable_of_ours_is_read_by_something() -> None:
    known = {f"CHANGEOVER_{field.upper()}" for field in Settings.model_fields} | {PLAN_VARIABLE}
    named = {name for service in OURS.values() for name in service.get("environment", {})}
    assert {name for name in named if name.startswith("CHANGEOVER_")} <= known


def test_only_the_loopback_interface_is_published() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert len(ports) == 3
    assert all(port.startswith("127.0.0.1:") for port in ports)


@pytest.mark.parametrize("name", sorted(set(OURS) - {"flower"}))
def test_the_command_exists_and_takes_its_options(name: str) -> None:
    python, dash_m, module, *arguments = SERVICES[name]["command"]
    assert (python, dash_m) == ("python", "-m")
    offered = _run(sys.executable, "-m", module, "--help")
    for argument in arguments:
        if argument.startswith("--"):
            option, _, value = argument.partition("=")
            assert re.search(rf"(?<![\w-]){option}(?![\w-])", offered), option
            if option == "--locustfile":
                assert (ROOT / value.removeprefix("/app/")).is_file()


def test_flowers_command_exists_and_takes_its_options() -> None:
    celery, dash_a, app, flower, *arguments = SERVICES["flower"]["command"]
    assert (celery, dash_a, app, flower) == ("celery", "-A", "celery_impl", "flower")
    assert "flower" in _run(sys.executable, "-m", "celery", dash_a, app, "flower", "--help")
    options = "import flower.options, tornado.options as t; print(*t.options.as_dict())"
    offered = _run(sys.executable, "-c", options).split()
    assert {argument[2:].partition("=")[0] for argument in arguments} <= set(offered)


def test_flower_looks_where_the_workers_are(monkeypatch: pytest.MonkeyPatch) -> None:
    workers = build_app(_settings(monkeypatch, "celery-gpu")).conf
    seen = build_app(_settings(monkeypatch, "flower")).conf
    assert seen.broker_url == workers.broker_url
    assert seen.broker_transport_options == workers.broker_transport_options


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_health_check_in_python_compiles(name: str) -> None:
    match SERVICES[name].get("healthcheck", {}).get("test"):
        case ["CMD", "python", "-c", code]:
            compile(code, name, "exec")
        case ["CMD", "python", "-m", module]:
            assert module == "shared.presence"
        case other:
            assert other is None or name not in OURS


def test_the_inline_files_parse(tmp_path: Path) -> None:
    contents = {name: config["content"] for name, config in COMPOSE["configs"].items()}
    (tmp_path / "load.json").write_text(contents["load"])
    [plan] = read_plans(tmp_path / "load.json")
    assert plan.steps == json.loads(contents["load"])["steps"]
    assert yaml.safe_load(contents["temporal-dynamic"])
    for name in ("temporal-schema", "temporal-namespace"):
        script = tmp_path / name
        script.write_text(contents[name])
        _run("sh", "-n", str(script))
