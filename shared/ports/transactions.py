"""Several changes of the database as one."""

from contextlib import AbstractContextManager
from typing import Protocol


class Transactions(Protocol):
    """Safe under SIGKILL: of what is changed together all is there, or nothing."""

    def together(self) -> AbstractContextManager[None]:
        """Make what is changed inside one transaction; an error takes all of it back.

        Short: on SQLite nobody else can write meanwhile. What is not in the database is not part
        of it.
        """
        ...
