"""A running task renews its own lease with the broker, which Celery itself never does.

kombu writes the moment of delivery into the sorted set `unacked_index`, and hands a message out
again once that moment is a visibility timeout ago. Moving it forward while the task runs makes the
visibility timeout bound the silence of a process, as a heartbeat timeout does, and no longer the
length of a task. Celery does not support this: it rests on a private key of kombu, written in
`QoS.append` and read in `QoS.restore_visible` (kombu/transport/redis.py), which
tests/integration/test_celery_renewed.py pins.
"""

import logging
import threading
import time
from typing import Any

import redis
from celery import signals

# A redelivered message keeps its delivery tag, so the tag alone does not tell two deliveries apart;
# the score does, since each delivery and each renewal writes a moment of its own. A worker that was
# frozen past its lease must not renew its successor's. Arguments: the tag, now, the scores that are
# this delivery's own.
_RENEW = """
local score = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]))
for place = 3, #ARGV do
    if score == tonumber(ARGV[place]) then
        redis.call('ZADD', KEYS[1], 'XX', ARGV[2], ARGV[1])
        return 1
    end
end
return 0
"""
INDEX = "unacked_index"
"""The key, without the namespace: kombu/transport/redis.py, `Channel.unacked_index_key`."""

_log = logging.getLogger(__name__)


class Lease:
    """One delivery, renewed from a daemon thread until it ends or is no longer this process's.

    A thread, so that a process that is killed or frozen stops renewing and one that computes does
    not. It outlives outages of the broker: it tries again at each turn.
    """

    def __init__(self, client: Any, index: str, delivery_tag: str, every_s: float) -> None:
        self._client = client
        self._index = index
        self._tag = delivery_tag
        self._every_s = every_s
        self._script = client.register_script(_RENEW)
        self._scores: list[float] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lease renewal", daemon=True)

    def begin(self) -> None:
        """Renew from now on, the first time after `every_s`."""
        self._thread.start()

    def end(self) -> None:
        """Renew no more; does not wait, for a renewal that is under way does no harm."""
        self._ended.set()

    def renew(self) -> bool:
        """Renew, unless the message has been handed back or out again: then return False.

        The first call only learns when this delivery was made.
        """
        try:
            return self._renewed()
        except redis.RedisError as error:
            _log.warning("could not renew the lease of %s: %s", self._tag, error)
            return True

    def _run(self) -> None:
        while self.renew() and not self._ended.wait(self._every_s):
            pass

    def _renewed(self) -> bool:
        if not self._scores:
            delivered_at = self._client.zscore(self._index, self._tag)
            self._scores += [delivered_at] if delivered_at is not None else []
            return bool(self._scores)
        now = time.time()
        own = list(self._scores)
        # Known before it is sent: the answer may be lost after it has been done.
        self._scores.append(now)
        if not self._script(keys=[self._index], args=[self._tag, *map(repr, [now, *own])]):
            _log.info("delivery %s is no longer held here", self._tag)
            return False
        self._scores = [now]
        return True


def renew_running_tasks(url: str, namespace: str, every_s: float) -> None:
    """From now on, let the task that this process runs renew its lease every `every_s` seconds.

    For a worker's parent to call: its children inherit the receivers, and connect on their own.
    """
    index = f"{namespace}:{INDEX}"
    # Waiting longer for an answer than until the next renewal is of no use.
    client: Any = redis.Redis.from_url(
        url, socket_timeout=every_s, socket_connect_timeout=every_s, retry=None
    )
    running: list[Lease] = []

    def begin(task: Any, **_: Any) -> None:
        running.append(Lease(client, index, task.request.properties["delivery_tag"], every_s))
        running[-1].begin()

    def end(**_: Any) -> None:
        while running:
            running.pop().end()

    signals.task_prerun.connect(begin, weak=False)
    signals.task_postrun.connect(end, weak=False)
