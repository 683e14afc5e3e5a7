"""Idempotency by experiment: which guard, with which crash, repeats work or effects?

`deployment` keeps workers for every arm and mode and arms them; `trial` follows one job to its end;
`run` puts them together. What is done to a worker stands in `bench/faults/experiments.py`.
What came of it is measured in `bench/checkers/idempotency.py`, from the history alone.
"""
