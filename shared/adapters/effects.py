"""Effects over HTTP."""

from functools import cached_property
from typing import TYPE_CHECKING

from shared.domain.errors import EffectFailed

if TYPE_CHECKING:
    import httpx


class HttpEffects:
    """`POST {url}/{effect}` with an `Idempotency-Key`; any 2xx means applied."""

    def __init__(self, url: str, timeout_s: float = 5.0) -> None:
        self._url = url.rstrip("/")
        self._timeout_s = timeout_s

    @cached_property
    def _client(self) -> "httpx.Client":
        # Late: a GPU worker applies no effect, and its restarts should not pay for the import.
        import httpx

        # Certificates take longer to load than all the rest of it, and plain HTTP checks none.
        return httpx.Client(timeout=self._timeout_s, verify=not self._url.startswith("http://"))

    def open(self) -> None:
        """Get ready to apply the first effect as fast as any other; harmless to repeat."""
        _ = self._client

    def apply(self, effect: str, *, job_id: str, key: str, amount: int | None = None) -> None:
        import httpx

        body: dict[str, object] = {"job_id": job_id, "effect": effect}
        if amount is not None:
            body["amount"] = amount
        try:
            response = self._client.post(
                f"{self._url}/{effect}", json=body, headers={"Idempotency-Key": key}
            )
        except httpx.HTTPError as error:
            raise EffectFailed(f"{effect} got no reply from {self._url}: {error!r}") from error
        if not response.is_success:
            raise EffectFailed(f"{effect} was answered {response.status_code}")
