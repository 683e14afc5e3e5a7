"""The table of comparisons keeps its port's promises on every database."""

import uuid

from sqlalchemy import Engine as Database

from shared.adapters.face_results import SqlFaceResults
from tests.contract.racing import in_threads

JOB = str(uuid.UUID(int=1))
KEY = f"{JOB}/save_result"


def test_a_result_is_read_back_as_it_was_saved(database: Database) -> None:
    results = SqlFaceResults(database)
    assert results.get(KEY) is None
    assert results.save(KEY, JOB, '{"match": true}') == '{"match": true}'
    assert results.get(KEY) == '{"match": true}'


def test_a_repeat_returns_the_stored_result_and_changes_nothing(database: Database) -> None:
    results = SqlFaceResults(database)
    results.save(KEY, JOB, '{"distance": 0.3}')
    assert results.save(KEY, JOB, '{"distance": 0.4}') == '{"distance": 0.3}'
    assert results.get(KEY) == '{"distance": 0.3}'


def test_keys_do_not_touch_each_other(database: Database) -> None:
    results = SqlFaceResults(database)
    for key in ("one/save_result", "two/save_result"):
        assert results.save(key, JOB, f'"{key}"') == f'"{key}"'
    assert results.get("one/save_result") == '"one/save_result"'


def test_racing_saves_all_learn_the_same_result(database: Database) -> None:
    results = SqlFaceResults(database)
    for race in range(10):
        learnt = in_threads(8, lambda n, key=f"{race}": results.save(key, JOB, str(n)))
        assert len(set(learnt)) == 1
        assert results.get(str(race)) == learnt[0]
