"""A body reaches the disk piece by piece, and nothing of a refused one stays there."""

import asyncio
import hashlib
import os
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from starlette.requests import ClientDisconnect

from shared.facade.receiving import Pace, TooLarge, TooSlow, received, remove_leftovers

PATIENT = Pace()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


async def _body(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def test_a_body_is_on_disk_as_a_whole_and_gone_afterwards(folder: Path) -> None:
    pieces = [bytes([n]) * 700_000 for n in range(5)]
    async with received(_body(*pieces), 10**7, PATIENT) as file:
        assert file.path.read_bytes() == b"".join(pieces)
        assert file.size == 3_500_000
        assert file.sha256 == hashlib.sha256(b"".join(pieces)).hexdigest()
    assert list(folder.iterdir()) == []


async def test_a_large_body_goes_to_disk_while_it_arrives(folder: Path) -> None:
    on_disk: list[int] = []

    async def body() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield b"x" * 2**17
            (file,) = folder.iterdir()
            on_disk.append(file.stat().st_size)

    async with received(body(), 2**24, PATIENT):
        arrived = [2**17 * (n + 1) for n in range(64)]
        assert max(a - b for a, b in zip(arrived, on_disk, strict=True)) <= 2**20


async def test_a_body_is_refused_at_the_first_byte_over_the_limit(folder: Path) -> None:
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += 10
            yield b"0123456789"

    with pytest.raises(TooLarge, match="100 bytes"):
        async with received(endless(), 100, PATIENT):
            pass
    assert read == 110
    assert list(folder.iterdir()) == []


async def test_a_body_of_exactly_the_limit_is_taken() -> None:
    async with received(_body(b"x" * 60, b"x" * 40), 100, PATIENT) as file:
        assert file.size == 100


async def test_a_client_that_goes_away_leaves_no_file(folder: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"x" * 2**21
        raise ClientDisconnect

    with pytest.raises(ClientDisconnect):
        async with received(broken(), 2**22, PATIENT):
            pass
    assert list(folder.iterdir()) == []


async def test_a_client_that_falls_silent_is_given_up(folder: Path) -> None:
    async def silent() -> AsyncIterator[bytes]:
        yield b"x"
        await asyncio.Event().wait()

    with pytest.raises(TooSlow):
        async with received(silent(), 100, Pace(silence_s=0.05)):
            pass
    assert list(folder.iterdir()) == []


async def test_a_client_that_sends_a_byte_now_and_then_is_given_up() -> None:
    async def trickle() -> AsyncIterator[bytes]:
        while True:
            yield b"x"
            await asyncio.sleep(0.01)

    with pytest.raises(TooSlow):
        async with received(trickle(), 10**6, Pace(silence_s=0.1, bytes_per_s=10**7)):
            pass


def test_a_pace_grants_the_largest_file_its_time() -> None:
    assert Pace(silence_s=20, bytes_per_s=1000).longest_s(5000) == 25


def test_what_a_killed_process_left_is_removed_and_what_is_being_written_is_not(
    folder: Path,
) -> None:
    names = ("changeover-upload-old", "changeover-upload-new", "another")
    old, new, another = (folder / name for name in names)
    for path in (old, new, another):
        path.touch()
    os.utime(old, (0, 0))
    os.utime(another, (0, 0))
    remove_leftovers()
    assert sorted(folder.iterdir()) == [another, new]
