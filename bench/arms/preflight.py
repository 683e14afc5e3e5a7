"""Checks before a run, so that what is wrong is said at once and with its remedy."""

import os
import shutil
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from bench.arms.addresses import configured
from bench.arms.engines import ENGINES
from bench.arms.named_temporal import named_temporal
from bench.arms.services import redis_binary, temporal_binary
from bench.errors import NotFit
from shared.domain.errors import ChangeoverError
from shared.extras import Need
from shared.settings import Settings

_DISK_MIB = 500
_MEMORY_MIB_AN_ARM = {"simulated": 900, "diffusers": 2500}


class Level(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    WARNING = "warning"
    """The run goes on, and its numbers may be worse for it."""
    UNFIT = "unfit"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `remedy` is empty where nothing is to be done."""

    what: str
    level: Level
    detail: str
    remedy: str = ""


def preflight(
    results: Path,
    *,
    arms: int = 1,
    compute: str = "simulated",
    needs: Sequence[Need] = (),
    engines: Sequence[str] = tuple(ENGINES),
) -> list[Finding]:
    """Look at everything that a run of so many arms of these engines at once needs."""
    return [
        *drivers(needs),
        *_servers(engines),
        _disk(results),
        _memory(arms, compute),
        _model(),
        _leftovers(),
        _load(),
    ]


def refuse_if_unfit(findings: list[Finding]) -> None:
    """Raise `NotFit` with every reason and remedy, if there is one."""
    unfit = [finding for finding in findings if finding.level is Level.UNFIT]
    if unfit:
        raise NotFit("; ".join(f"{f.what}: {f.detail}; {f.remedy}" for f in unfit))


def drivers(needs: Sequence[Need], level: Level = Level.UNFIT) -> Iterator[Finding]:
    """Look whether what these drivers need is installed; `level` is for what is not."""
    for need in dict.fromkeys(needs):
        if said := need.complaint:
            remedy = "or leave out what needs it: `changeover compare --quick` does"
            yield Finding("packages", level, said, remedy)
        else:
            yield Finding("packages", Level.OK, f"{need.who} has all that it needs")


def _servers(engines: Sequence[str]) -> Iterator[Finding]:
    if "celery" in engines:
        variable = ENGINES["celery"].address_variable
        address = configured(variable)
        if address is None:
            yield _embedded("Redis", redis_binary)
        else:
            url = urlsplit(address)
            port = url.port or ENGINES["celery"].usual_port
            yield _reachable("Redis", variable, url.hostname or "127.0.0.1", port)
    if "temporal" in engines:
        yield _temporal()


def _temporal() -> Finding:
    try:
        named = named_temporal()
    except ChangeoverError as error:
        remedy = "or name no server, to use the embedded one"
        return Finding("Temporal", Level.UNFIT, str(error), remedy)
    if named is None:
        return _embedded("Temporal", temporal_binary)
    return Finding("Temporal", Level.OK, f"{named.address}, by {named.named_by}, answers")


def _embedded(what: str, binary: Callable[[], str]) -> Finding:
    try:
        return Finding(what, Level.OK, f"embedded: {Path(binary()).name}")
    except NotFit as error:
        return Finding(what, Level.UNFIT, "no server", str(error))


def _reachable(what: str, variable: str, host: str, port: int) -> Finding:
    try:
        with socket.create_connection((host, port), timeout=2):
            return Finding(what, Level.OK, f"{variable} answers")
    except OSError as error:
        return Finding(
            what,
            Level.UNFIT,
            f"nothing answers at {host}:{port} ({error})",
            f"start it, or unset {variable} to use the embedded one",
        )


def _disk(results: Path) -> Finding:
    existing = next(path for path in (results, *results.absolute().parents) if path.exists())
    free_mib = shutil.disk_usage(existing).free // 2**20
    level = Level.OK if free_mib >= _DISK_MIB else Level.UNFIT
    return Finding("disk", level, f"{free_mib} MiB free", f"free {_DISK_MIB} MiB or use --results")


def _memory(arms: int, compute: str) -> Finding:
    free_mib = psutil.virtual_memory().available // 2**20
    wanted_mib = arms * _MEMORY_MIB_AN_ARM[compute]
    level = Level.OK if free_mib >= wanted_mib else Level.WARNING
    return Finding(
        "memory",
        level,
        f"{free_mib} MiB available, about {wanted_mib} MiB wanted",
        "run fewer arms at once",
    )


def _model() -> Finding:
    model = Settings.from_environment().image_model
    if not Path(model).is_absolute() and not Path(model).exists():
        return Finding("model", Level.OK, f"{model}, from the hub")
    if (Path(model) / "model_index.json").exists():
        return Finding("model", Level.OK, Path(model).name)
    return Finding(
        "model",
        Level.UNFIT,
        f"no model_index.json in {model}",
        "set CHANGEOVER_IMAGE_MODEL to a diffusers folder or a hub id",
    )


def _leftovers() -> Finding:
    found = []
    for process in psutil.process_iter(["pid", "ppid", "cmdline"]):
        words = " ".join(process.info["cmdline"] or [])
        if process.info["ppid"] == 1 and any(
            part in words
            for part in ("celery_impl.worker", "temporal_impl.worker", "shared.facade")
        ):
            found.append(str(process.info["pid"]))
    if not found:
        return Finding("leftovers", Level.OK, "no process of an earlier run")
    return Finding(
        "leftovers",
        Level.WARNING,
        f"processes without a parent: {', '.join(found)}",
        "end them if they are not meant to run",
    )


def _load() -> Finding:
    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    level = Level.OK if load < cores else Level.WARNING
    return Finding(
        "load",
        level,
        f"{load:.1f} on {cores} cores",
        "other work on this machine makes every time longer",
    )
