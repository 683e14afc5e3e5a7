"""What a run does not show, said from what it is."""

from collections.abc import Sequence

from bench.faults.registry import FAULTS
from bench.report.page import Page
from bench.report.words import fault_key, fault_words, is_control, plural


def limits(page: Page) -> list[str]:
    """Return the sentences that hold for this run."""
    if not page.submits:
        return [*_CAPABILITIES]
    said = [
        "It shows this scenario on this host, with the workers, rates and job lengths listed "
        "here. Other job lengths need another detection budget, and change every number.",
        _faults(page),
    ]
    if page.idempotency is not None:
        said.append(_EXPERIMENTS)
    if page.capabilities is not None:
        said.append(_LINES)
    if (
        page.soak
        or page.idempotency
        or any(cell.compute == "simulated" for cell in page.metrics.cells)
    ):
        said.append(
            "A simulated GPU step takes time and uses no device. It measures the engines, not "
            "memory pressure, a busy device or a slow model load."
        )
    least = min((c.faults_confirmed for c in page.metrics.cells if c.trials), default=0)
    if least:
        said.append(
            f"The smallest cell rests on {plural(least, 'fault')}. Intervals say how far such a "
            "sample carries; a rare loss can stay unseen in any sample of this size."
        )
    if any(
        cell.predicted_bound_s is not None and cell.predicted_bound_s > cell.drain_s
        for cell in page.metrics.cells
        if not is_control(cell.fault)
    ):
        said.append(
            "Where a predicted bound lies beyond T, its jobs were judged before they had "
            "to be recovered: unrecovered at T is then what T shows, not a loss."
        )
    if dev_server(page):
        said.append(DEV_SERVER)
    said.append(
        "All processes share one host and one clock. The only network between them is what the "
        "bench delays or cuts, unless the servers listed here were elsewhere."
    )
    return said


_STORAGE, _FREEZING = {"disk-full", "database-locked"}, {"zombie", "slow-worker"}
_EXPERIMENTS = (
    "An idempotency experiment strikes one chosen moment, once in each job. It shows what a guard "
    "does there, not how often such a moment is hit."
)
_LINES = (
    "The lines of a pattern are what its code took here, not what it took to find out, nor what "
    "it takes to keep. There are other ways to build most of the patterns, and other brokers for "
    "Celery."
)
_SOAK = (
    "The faults of a soak strike at random. How often each moment of a job was hit is chance, and "
    "one of a millisecond may not have been. Disks and hosts were left alone."
)
_CAPABILITIES = (
    "A row passes or fails in one run. A window of milliseconds, such as a worker killed between "
    "two messages, is rarely hit in one.",
    "It measures no speed: steps sleep, and times are set so that recovery fits into a test.",
    _LINES,
    "The embedded Temporal server is one process on SQLite, Redis one process on this machine.",
)
DEV_SERVER = (
    "The Temporal development server is one shard on SQLite, fit for a laptop and for CI: "
    "its throughput is not Temporal's."
)


def dev_server(page: Page) -> bool:
    """Whether a Temporal development server was measured."""
    return any(
        "temporal" in service.name.lower()
        and any(
            word in f"{service.name} {service.version} {service.persistence}".lower()
            for word in ("dev", "sqlite", "memory")
        )
        for service in page.info.services
    )


def _faults(page: Page) -> str:
    faults = sorted({c.fault for c in page.metrics.cells if not is_control(c.fault)}, key=fault_key)
    named = list(dict.fromkeys(fault_words(fault).mark for fault in faults))
    if page.idempotency is not None:
        named.append("crash points of the shared step runner")
    if not named:
        return _SOAK if page.soak else "Nothing was broken: it says nothing of recovery."
    said = f"The faults were {' and '.join(named)}."
    if page.faults is not None:
        said = f"The faults were the {len(faults)} of the table, one at a time."
    return f"{said} {_spared(page, faults)} were left alone."


def _spared(page: Page, faults: Sequence[str]) -> str:
    facts = [FAULTS[fault].facts for fault in faults if fault in FAULTS]
    struck = {
        "servers": any(each.own_server for each in facts),
        "network": any(each.links for each in facts),
        "disks": bool(_STORAGE & set(faults)),
        "stuck processes": page.idempotency is not None or bool(_FREEZING & set(faults)),
        "hosts": False,
    }
    spared = [what for what, was_struck in struck.items() if not was_struck]
    listed = " and ".join([", ".join(spared[:-1]), spared[-1]]) if spared[1:] else spared[0]
    return listed.capitalize()
