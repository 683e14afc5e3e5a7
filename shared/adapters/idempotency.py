"""The idempotency store in SQL, in its four modes."""

import time

from sqlalchemy import Column, Float, Integer, String, Table, Text, select, update
from sqlalchemy import Engine as Database

from shared.adapters.sql import insert_if_absent, insert_or_ignore, metadata, transaction
from shared.ports.idempotency import (
    Claimed,
    Held,
    Idempotency,
    IdempotencyMode,
    LostProcess,
    Stored,
)

_steps = Table(
    "idempotency",
    metadata,
    Column("key", String(120), primary_key=True),
    Column("token", Integer, nullable=False),
    Column("owner", String(250), nullable=False),
    # Unix seconds by the holder's clock: hosts that share a database must keep their clocks
    # within a small part of the lease.
    Column("lease_until_s", Float(53), nullable=False),
    Column("result", Text, nullable=True),
)


class NoGuard:
    """`none`: every attempt computes, every result counts, and every effect is a new one.

    Without a stable key to guard by there is none to send either: the outside world gets what an
    HTTP client makes up by default, a key that no other attempt has.
    """

    def begin(self, key: str, owner: str, lease_s: float) -> Claimed | Stored | Held:
        return Claimed(1)

    def renew(self, key: str, token: int, lease_s: float) -> bool:
        return True

    def commit(self, key: str, token: int, result: str) -> bool:
        return True

    def effect_key(self, key: str, attempt_id: str) -> str:
        return f"{key}/{attempt_id}"

    def abandon(self, key: str, token: int) -> None:
        return None

    def abandon_lost(self, key: str, lost: LostProcess, lease_s: float) -> None:
        return None


class StableKey:
    """A step's effects carry the step's own key, whichever attempt sends them."""

    def effect_key(self, key: str, attempt_id: str) -> str:
        return key


class CheckThenAct(StableKey, NoGuard):
    """`check_then_act`: look for a result first, store one afterwards.

    Two attempts that look before either has stored both compute. Kept because it is what is
    often written, so that it can be measured.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, key: str, owner: str, lease_s: float) -> Claimed | Stored | Held:
        with self._database.connect().execution_options(read_only=True) as connection:
            row = connection.execute(select(_steps.c.result).where(_steps.c.key == key)).first()
        if row is not None and row.result is not None:
            return Stored(row.result)
        return Claimed(1)

    def commit(self, key: str, token: int, result: str) -> bool:
        row = {"key": key, "token": 1, "owner": "", "lease_until_s": 0.0, "result": result}
        with transaction(self._database) as connection:
            connection.execute(insert_or_ignore(self._database, _steps), row)
        return True


class Claim(StableKey, NoGuard):
    """`claim`: a unique row from the start, and the first result to be stored stays.

    Without a lease a dead holder cannot be told from a live one, so a later attempt computes too.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, key: str, owner: str, lease_s: float) -> Claimed | Stored | Held:
        row = {"key": key, "token": 1, "owner": owner, "lease_until_s": 0.0, "result": None}
        with transaction(self._database) as connection:
            connection.execute(insert_or_ignore(self._database, _steps), row)
            stored = connection.execute(
                select(_steps.c.result).where(_steps.c.key == key)
            ).scalar_one()
        return Claimed(1) if stored is None else Stored(stored)

    def commit(self, key: str, token: int, result: str) -> bool:
        with transaction(self._database) as connection:
            connection.execute(
                update(_steps)
                .where(_steps.c.key == key, _steps.c.result.is_(None))
                .values(result=result)
            )
        return True


class Fenced(StableKey):
    """`fenced`: a claim with a lease that progress renews, and a token that fences.

    A later attempt does not compute while the lease is alive, takes over when it has expired, and
    then the earlier one, should it wake up, can neither renew nor commit.
    Source of the scheme: fencing tokens, Kleppmann, "How to do distributed locking" (2016).
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, key: str, owner: str, lease_s: float) -> Claimed | Stored | Held:
        now = time.time()
        with transaction(self._database) as connection:
            row = connection.execute(
                select(_steps).where(_steps.c.key == key).with_for_update()
            ).first()
            if row is None:
                first = {
                    "key": key,
                    "token": 1,
                    "owner": owner,
                    "lease_until_s": now + lease_s,
                    "result": None,
                }
                if insert_if_absent(connection, _steps, first):
                    return Claimed(1)
                return Held(lease_s)
            if row.result is not None:
                return Stored(row.result)
            if row.lease_until_s > now:
                return Held(row.lease_until_s - now)
            token = row.token + 1
            connection.execute(
                update(_steps)
                .where(_steps.c.key == key)
                .values(token=token, owner=owner, lease_until_s=now + lease_s)
            )
            return Claimed(token)

    def renew(self, key: str, token: int, lease_s: float) -> bool:
        return self._change(key, token, lease_until_s=time.time() + lease_s)

    def commit(self, key: str, token: int, result: str) -> bool:
        return self._change(key, token, result=result)

    def abandon(self, key: str, token: int) -> None:
        self._change(key, token, lease_until_s=0.0)

    def abandon_lost(self, key: str, lost: LostProcess, lease_s: float) -> None:
        with transaction(self._database) as connection:
            connection.execute(
                update(_steps)
                .where(
                    _steps.c.key == key,
                    _steps.c.result.is_(None),
                    _steps.c.owner.startswith(lost.owner, autoescape=True),
                    _steps.c.lease_until_s < lost.lost_at_s + lease_s,
                )
                .values(lease_until_s=0.0)
            )

    def _change(self, key: str, token: int, **values: object) -> bool:
        with transaction(self._database) as connection:
            changed = connection.execute(
                update(_steps)
                .where(_steps.c.key == key, _steps.c.token == token, _steps.c.result.is_(None))
                .values(**values)
            ).rowcount
        return changed == 1


def idempotency_store(mode: IdempotencyMode, database: Database) -> Idempotency:
    """Return the store for `mode`."""
    match mode:
        case IdempotencyMode.NONE:
            return NoGuard()
        case IdempotencyMode.CHECK_THEN_ACT:
            return CheckThenAct(database)
        case IdempotencyMode.CLAIM:
            return Claim(database)
        case IdempotencyMode.FENCED:
            return Fenced(database)
