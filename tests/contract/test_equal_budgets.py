"""Equal budgets of time: for noticing a dead worker, and for waiting until a server is back."""

import pytest

from shared.domain.detection import Clock, Detection
from shared.domain.errors import BadSetting
from shared.domain.impact import Impact
from shared.loader import load_engine
from shared.profiles import load_profile, read_detection
from shared.settings import Settings

NOTICED = (Impact.KILLED, Impact.CPU_KILLED, Impact.KEEPER_KILLED, Impact.SILENT)
"""What only the running out of a clock tells of."""
ARMS = [
    ("celery", "tuned"),
    ("celery", "hardened"),
    ("celery", "renewed"),
    ("temporal", "tuned"),
    ("temporal", "hardened"),
    ("temporal", "standalone"),
]


BUDGETS_S = [2.2, 3.0, 5.0, 6.0, 10.0, 20.0, 60.0, 600.0, 7200.0]
ON_RABBITMQ = ("celery", "rabbitmq")
"""Whose heartbeats take three seconds at least."""


def _detection(engine: str, profile: str, budget_s: float) -> Detection:
    found = read_detection(f"{engine}_impl", profile, Settings(detection_budget_s=budget_s))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("engine", "profile", "budget_s"),
    [
        (*arm, budget_s)
        for arm in (*ARMS, ON_RABBITMQ)
        for budget_s in BUDGETS_S
        if arm != ON_RABBITMQ or budget_s > 4.0
    ],
)
def test_the_engines_own_bound_is_at_most_the_budget(
    engine: str, profile: str, budget_s: float
) -> None:
    settings = Settings(profile=profile, detection_budget_s=budget_s)
    bounds = load_engine(engine, settings).bounds()
    for impact in NOTICED:
        seconds = bounds[impact].seconds
        assert seconds is not None, impact
        assert seconds <= budget_s + 1e-9, (impact, bounds[impact].parts)
        assert seconds == pytest.approx(sum(bounds[impact].parts.values()))


@pytest.mark.parametrize(("engine", "profile"), ARMS)
def test_what_a_profile_says_of_its_clock_is_what_its_bound_is_made_of(
    engine: str, profile: str
) -> None:
    bound = load_engine(engine, Settings(profile=profile, detection_budget_s=6.0)).bounds()
    clock = max(bound[Impact.KILLED].parts, key=lambda part: bound[Impact.KILLED].parts[part])
    detection = _detection(engine, profile, 6.0)
    assert detection.timeout_s == bound[Impact.KILLED].parts[clock]
    assert (detection.clock is Clock.PROGRESS) == (clock == "heartbeat_timeout_s")


@pytest.mark.parametrize("profile", ["tuned", "hardened", "standalone"])
def test_a_budget_that_leaves_an_engine_nothing_is_refused_with_what_takes_it(profile: str) -> None:
    settings = Settings(profile=profile, detection_budget_s=2.0)
    with pytest.raises(BadSetting, match=r"=2 is too short .* 1 s for the shift of the server's"):
        load_profile("temporal_impl", settings)
    assert load_profile("celery_impl", Settings(detection_budget_s=2.0))


@pytest.mark.parametrize(("engine", "profile"), [("celery", "stock"), ("temporal", "stock")])
def test_a_profile_that_does_not_follow_the_budget_says_nothing_of_it(
    engine: str, profile: str
) -> None:
    assert read_detection(f"{engine}_impl", profile, Settings()) is None


@pytest.mark.parametrize("patience_s", [30, 300, 3600])
@pytest.mark.parametrize("profile", ["tuned", "hardened", "renewed", "rabbitmq"])
def test_a_celery_worker_goes_on_publishing_for_as_long_as_the_patience_says(
    profile: str, patience_s: int
) -> None:
    celery = load_profile("celery_impl", Settings(profile=profile, outage_patience_s=patience_s))
    policy = celery.values["task_publish_retry_policy"]
    waits = (
        min(policy["interval_start"] + policy["interval_step"] * tried, policy["interval_max"])
        for tried in range(policy["max_retries"])
    )
    assert patience_s <= sum(waits)
