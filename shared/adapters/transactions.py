"""Transactions in SQL."""

from contextlib import AbstractContextManager

from sqlalchemy import Engine as Database

from shared.adapters.sql import together


class SqlTransactions:
    """`Transactions` of one database, for every adapter that begins its own by `transaction`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def together(self) -> AbstractContextManager[None]:
        return together(self._database)
