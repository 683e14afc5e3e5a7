"""A result backend that waits for Redis rather than fail a step that has succeeded.

Celery retries the writing of results, but not the script that counts a chord's members
(celery/backends/redis.py, `on_chord_part_return`): a broker that restarts just as a picture is
finished would fail the picture, and with it the job.
"""

from typing import Any

from celery.backends.redis import RedisBackend
from redis.backoff import ConstantBackoff
from redis.retry import Retry

EVERY_S = 0.5


class PatientRedisBackend(RedisBackend):  # type: ignore[misc]  # celery ships no types
    """Tries each command again for the patience with an absent server.

    The script counts a member once however often.
    """

    def _create_client(self, **params: Any) -> Any:
        tries = int(self.app.settings.outage_patience_s / EVERY_S)
        return super()._create_client(**params, retry=Retry(ConstantBackoff(EVERY_S), tries))
