"""From a run's history to its metrics and verdicts; the definitions are in `docs/metrics.md`.

`measure.measure` is the way in. The modules, in the order in which the numbers are made:

- `attempts`, `submissions`, `faults`: the views of ledger records, client operations and fault
  events that the checkers work on; `by_job` sorts them by cell and job.
- `buckets`, `repetition`, `recovery`, `device_time` (with `reload`), `latency`: the numbers.
- `invariants`, `demands`: what must hold in every cell, and what a scenario asks of one.
- `statistics`: intervals, medians, survival curves. `verdict`: checks and how they compose.
- `twins`: whether an arm and its twin came out alike.
- `answer`: the two sentences at the top of a report.

Checkers only read. None of them knows an engine, a file or a clock.
"""
