"""The words of the report, explained for a reader who knows one of the two engines."""

GLOSSARY = {
    "arm": "An engine with one profile of settings, such as celery/hardened.",
    "attempt": "One execution of a step by one worker, from its start to its end or its death.",
    "bound": (
        "The longest that recovery may take according to the engine's own settings, with the wait "
        "for a free slot and the restart of a worker added."
    ),
    "cell": "All trials of one arm, workload, compute driver and fault.",
    "confirmed": "The ledger shows that the fault hit a running step, as it was meant to.",
    "crash point": (
        "A named moment of a step at which an experiment's worker kills or freezes itself."
    ),
    "detection budget": "The time after which an engine is configured to notice a dead worker.",
    "duplicate effect": "The outside world applied an effect of a job more than once.",
    "duplicate execution": "An attempt that finished work that an earlier attempt had finished.",
    "effect": "Something that the outside world sees and counts, such as a notification.",
    "fenced": (
        "A step is held by a lease that progress renews. A worker that has lost it cannot commit, "
        "and sends no effect that it had not begun to send."
    ),
    "goodput": "The share of a device's busy time that went into results.",
    "heartbeat timeout": (
        "Temporal: how long an activity may be silent before the server hands it out again. "
        "Each heartbeat renews it."
    ),
    "job": "One accepted request. It is made of steps.",
    "lost": (
        "An accepted job that never ended and that the engine no longer holds, or whose bound "
        "has passed."
    ),
    "phantom": "A job that reports success while a result or an effect is missing.",
    "re-execution": "An attempt of a step beyond its first.",
    "start-to-close timeout": (
        "Temporal: how long one attempt of an activity may take. Without a heartbeat it is also "
        "what notices a dead worker."
    ),
    "successor": "The attempt that takes a step over from one that is dead or frozen.",
    "T": "How long after the last arrival a cell's jobs are judged.",
    "unrecovered at T": "An accepted job that had not ended at T but that the engine still holds.",
    "visibility timeout": (
        "Celery on Redis: how long after its delivery an unacknowledged message is handed out "
        "again. Celery itself never renews it."
    ),
}
