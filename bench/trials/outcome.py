"""What a part of a scenario left behind: a stage, the soak, the experiments."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from bench.arms.facts import ask
from bench.load.pictures import Picture
from bench.record.history import History, ProcessEvent
from bench.record.run_info import ServiceInfo
from bench.trials.live_arms import LiveArm
from shared.domain.impact import Impact
from shared.domain.jobs import Bound, EffectiveSetting


@dataclass(slots=True)
class Outcome:
    """`settings` and `bounds` are by arm, `services` what each engine's server said of itself."""

    history: History = field(default_factory=History)
    settings: dict[str, list[EffectiveSetting]] = field(default_factory=dict)
    bounds: dict[str, dict[Impact, Bound]] = field(default_factory=dict)
    services: dict[str, ServiceInfo] = field(default_factory=dict)
    pictures: list[Picture] = field(default_factory=list)

    async def ask(self, arms: Iterable[LiveArm]) -> None:
        """Keep what the arms say of themselves; a twin's settings are its arm's."""
        for live in arms:
            facts, arm = await ask(live.stack), live.stack.arm
            if not arm.twin:
                self.settings[arm.configuration] = facts.settings
            self.bounds[arm.name] = facts.bounds
            self.services[facts.service.name] = facts.service

    def keep_ledgers(self, arms: Iterable[LiveArm]) -> None:
        """Keep every record of the arms' ledgers, and each model load as an event of its process:
        worker names repeat from arm to arm."""
        for live in arms:
            live.tail.refresh()
            self.history.attempts += live.tail.every_record()
            self.history.processes += [
                ProcessEvent.of_load(load, live.stack.arm.name) for load in live.tail.model_loads
            ]
