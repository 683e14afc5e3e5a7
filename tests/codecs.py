"""A payload codec for tests: it encrypts nothing, and shows what goes through it."""

from collections.abc import Sequence

from temporalio.api.common.v1 import Payload
from temporalio.converter import PayloadCodec

ENCODING = b"binary/reversed"


class Reversing(PayloadCodec):
    """Keeps each payload back to front."""

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [
            Payload(metadata={"encoding": ENCODING}, data=each.SerializeToString()[::-1])
            for each in payloads
        ]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [
            Payload.FromString(each.data[::-1])
            if each.metadata.get("encoding") == ENCODING
            else each
            for each in payloads
        ]


def no_codec() -> str:
    """Return something else than a codec."""
    return "no codec"
