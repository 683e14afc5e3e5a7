"""Many callers at once: threads with one engine, or processes with one each."""

import multiprocessing
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

_LIMIT_S = 60.0


def in_threads(count: int, call: Callable[[int], T]) -> list[T]:
    """Return `call(0) .. call(count - 1)`, all begun at the same moment."""
    barrier = threading.Barrier(count, timeout=_LIMIT_S)

    def run(number: int) -> T:
        barrier.wait()
        return call(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count), timeout=_LIMIT_S))


def in_processes(count: int, call: Callable[[str, int], T], url: str) -> list[T]:
    """Return `call(url, number)` from `count` fresh processes, begun at the same moment."""
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager:
        barrier = manager.Barrier(count, timeout=_LIMIT_S)
        with ProcessPoolExecutor(count, mp_context=context) as pool:
            futures = [
                pool.submit(_after_barrier, barrier, call, url, number) for number in range(count)
            ]
            return [future.result(timeout=_LIMIT_S) for future in futures]


def _after_barrier(
    barrier: threading.Barrier, call: Callable[[str, int], T], url: str, number: int
) -> T:
    barrier.wait()
    return call(url, number)
