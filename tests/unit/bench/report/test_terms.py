"""The bar of each arm is as long as its mean recovery, and the words beside it add up to it."""

import re

import pytest

from bench.record.history import MODEL_LOADED
from bench.record.terms import Term
from bench.report.terms import WORDS
from shared.domain.detection import Clock
from tests.unit.bench.builder import Story


def _story() -> Story:
    story = Story(fault="sigkill", trials=1, clock=Clock.DELIVERY, clock_s=9.0)
    for number in range(2):
        story.process(f"gpu-{number}", MODEL_LOADED, -1.0, 100 + number)
    return story.killed("a", after=3.5)


def test_the_sentence_adds_up_and_names_the_clock() -> None:
    said = _story().cell().terms_said
    assert said == (
        "celery/hardened: 3.5 s on average until the next attempt worked = 3.0 s left of the 9 s"
        " that ran from the message's delivery + 0.5 s until the next sweep."
    )
    total, *parts = (float(found) for found in re.findall(r"([\d.]+) s (?:on|left|until)", said))
    assert sum(parts) == pytest.approx(total)


def test_a_cell_in_which_nothing_recovered_says_nothing() -> None:
    story = Story(fault="sigkill", trials=1)
    story.submit("a").denoise("a", "a-1", at=0, done=(0, 5), ends=None)
    assert (
        story.fault("t", "a", "a-1", 6.0).final("a", "running", held=True).cell().terms_said == ""
    )


def test_every_term_has_words() -> None:
    assert set(WORDS) == set(Term)
