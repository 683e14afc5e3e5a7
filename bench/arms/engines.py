"""What an engine is to the bench: one entry an engine, and nothing else that tells them apart."""

from dataclasses import dataclass

from bench.errors import BadScenario
from shared.domain.detection import Detection
from shared.domain.errors import BadSetting
from shared.domain.promises import Promises
from shared.profiles import profile_names, read_detection, read_promises, read_tables
from shared.settings import Settings


@dataclass(frozen=True, slots=True)
class EngineSpec:
    """One engine: where its code is, how its server is named, which processes it needs."""

    name: str
    address_variable: str
    """The variable that names a server of the user's."""
    usual_port: int
    server: str
    """What the process of its server is called, where the run starts one."""
    scheduler: str = ""
    """The module of the process that keeps its schedules."""
    no_scheduler: str = ""
    """Why it needs none."""

    @property
    def package(self) -> str:
        """The package with its workers and profiles."""
        return f"{self.name}_impl"


RABBITMQ = "rabbitmq"
BROKER_VARIABLE = "CHANGEOVER_BROKER_URL"
"""What names a server of the user's that carries messages, where the engine's own does not."""

ENGINES = {
    spec.name: spec
    for spec in (
        EngineSpec("celery", "CHANGEOVER_REDIS_URL", 6379, "redis", scheduler="celery_impl.beat"),
        EngineSpec(
            "temporal",
            "CHANGEOVER_TEMPORAL_ADDRESS",
            7233,
            "temporal",
            no_scheduler="the server keeps schedules itself: there is no clock",
        ),
    )
}


def profiles_of(engine: str) -> list[str]:
    """Return the names of the profiles that an engine ships."""
    return profile_names(ENGINES[engine].package)


def promises_of(engine: str, profile: str) -> Promises:
    """Return what a profile promises; `BadScenario` if it does not say."""
    try:
        return read_promises(ENGINES[engine].package, profile)
    except BadSetting as error:
        raise BadScenario(str(error)) from None


def detection_of(engine: str, profile: str, budget_s: float) -> Detection | None:
    """Return what a profile makes of a budget, None if it does not follow from one."""
    try:
        settings = Settings(detection_budget_s=budget_s)
        return read_detection(ENGINES[engine].package, profile, settings)
    except BadSetting as error:
        raise BadScenario(str(error)) from None


def broker_of(engine: str, profile: str) -> str:
    """Return what carries a profile's messages, empty if that is the engine's usual server."""
    table = read_tables(ENGINES[engine].package, profile).get("broker", {})
    return str(table.get("value", ""))


def recovers(engine: str, profile: str) -> bool:
    """Whether a profile has lost messages looked for, which takes a scheduler."""
    setting = read_tables(ENGINES[engine].package, profile).get("steps.recovers", {})
    return bool(setting.get("value"))
