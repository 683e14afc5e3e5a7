"""Crash points: what is understood, and that each strikes once in a step."""

import pytest

from shared.crash_points import CrashAction, CrashInjector, CrashPoint, Moment, crash_injector
from shared.domain.errors import BadSetting
from shared.settings import Settings

JOB = "00000000-0000-0000-0000-000000000001"
POINT = CrashPoint(CrashAction.KILL, Moment.MID_WORK, "generate_image")


class Register:
    """Write-once registers in memory."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}

    def decide(self, key: str, value: str) -> str:
        return self._values.setdefault(key, value)


@pytest.mark.parametrize("action", CrashAction)
@pytest.mark.parametrize("moment", Moment)
def test_a_crash_point_reads_as_it_is_written(action: CrashAction, moment: Moment) -> None:
    point = CrashPoint(action, moment, "capture_credits")
    assert str(point) == f"{action}@{moment}:capture_credits"
    assert CrashPoint.parse(str(point)) == point


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "must look like kill@mid_work:generate_image"),
        ("kill@mid_work", "must look like"),
        ("kill:mid_work:generate_image", "must look like"),
        ("maim@mid_work:generate_image", "'maim' is not an action; there are kill, freeze"),
        ("kill@midwork:generate_image", "'midwork' is not a moment"),
        ("kill@mid_work:generate_images", "'generate_images' is not a step"),
    ],
)
def test_a_wrong_setting_is_refused_and_says_what_is_known(
    monkeypatch: pytest.MonkeyPatch, text: str, says: str
) -> None:
    monkeypatch.setenv("CHANGEOVER_CRASH_POINT", text)
    with pytest.raises(BadSetting, match="CHANGEOVER_CRASH_POINT") as refused:
        Settings.from_environment()
    assert says in str(refused.value)


def test_the_setting_arms_a_worker_and_nothing_is_armed_without_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert Settings.from_environment().crash_point is None
    assert crash_injector(None, Register(), lambda: True) is None
    monkeypatch.setenv("CHANGEOVER_CRASH_POINT", str(POINT))
    assert Settings.from_environment().crash_point == POINT


def test_it_strikes_the_first_to_come_by_and_nobody_after() -> None:
    register = Register()
    first, second = (CrashInjector(POINT, register, lambda: True) for _ in range(2))
    assert first.chooses(Moment.MID_WORK, JOB, "generate_image/0")
    assert not first.chooses(Moment.MID_WORK, JOB, "generate_image/0")
    assert not second.chooses(Moment.MID_WORK, JOB, "generate_image/0")


def test_it_strikes_once_in_each_step_of_each_job() -> None:
    one = CrashInjector(POINT, Register(), lambda: True)
    assert one.chooses(Moment.MID_WORK, JOB, "generate_image/0")
    assert one.chooses(Moment.MID_WORK, JOB, "generate_image/1")
    assert one.chooses(Moment.MID_WORK, JOB.replace("1", "2"), "generate_image/0")


def test_other_moments_and_steps_are_left_alone_and_leave_the_register_alone() -> None:
    register = Register()
    one = CrashInjector(POINT, register, lambda: True)
    assert not one.chooses(Moment.BEFORE_WORK, JOB, "generate_image/0")
    assert not one.chooses(Moment.MID_WORK, JOB, "assemble")
    assert one.chooses(Moment.MID_WORK, JOB, "generate_image/0")
