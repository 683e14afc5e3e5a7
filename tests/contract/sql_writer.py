"""A process that writes until it is killed: `python sql_writer.py URL FIRST`.

Prints a number once the ledger and the register of jobs have acknowledged what bears it.
"""

import sys
from itertools import count

from shared.adapters.jobs import SqlJobs
from shared.adapters.ledger import SqlLedger
from shared.adapters.sql import connect
from shared.domain.records import AttemptRecord
from shared.domain.status import RecordKind


def main(url: str, first: int) -> None:
    """Write for ever."""
    database = connect(url)
    ledger, jobs = SqlLedger(database), SqlJobs(database)
    for number in count(first):
        jobs.register("image-generation", "celery", str(number), f"key-{number}")
        ledger.append(
            AttemptRecord(RecordKind.PROGRESS, "job", "step", 1, "a" * 32, "w", 1, number, 0)
        )
        print(number, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
