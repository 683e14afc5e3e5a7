"""Idempotency by experiment: which guard, with which crash, repeats work or effects?

`experiments` names what is done to a worker or to the outside world; `fleet` keeps a stack for
every arm and mode and arms its workers; `trial` sees one job through; `run` puts them together.
What came of it is measured in `bench/checkers/idempotency.py`, from the history alone.
"""
