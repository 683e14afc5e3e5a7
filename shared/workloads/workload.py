"""What a workload is to everything that is not one of its steps."""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from pydantic import BaseModel
from sqlalchemy import Engine as Database

from shared.codec import from_json
from shared.domain.errors import BadRequest
from shared.ports.jobs import Jobs
from shared.settings import Settings

R = TypeVar("R")
P = TypeVar("P", bound="Parts")
W = TypeVar("W")


class Body(BaseModel, Generic[R]):
    """What a client submits."""

    @abstractmethod
    def request(self, idempotency_key: str | None) -> R:
        """Return the job's request. The same key and body always give the same one."""


class Parts(Protocol):
    """What the steps of a workload need from outside, wired."""

    def load(self) -> None:
        """Load the models, before a GPU worker takes work."""
        ...


@dataclass(frozen=True, slots=True)
class Wiring:
    """What the parts of every workload are wired from."""

    settings: Settings
    database: Database
    jobs: Jobs


class ByName(dict[str, W]):
    """Workloads, or what an engine makes of them; a name that is not there is a `BadRequest`."""

    def __missing__(self, name: str) -> W:
        raise BadRequest(f"there is no workload {name[:60]!r}, only {', '.join(self)}")


@dataclass(frozen=True, slots=True)
class Workload(Generic[R, P]):
    """One workload; `shared.workloads.table` has all of them."""

    name: str
    """As the API names it; its folder has underscores."""
    title: str
    submitting: str
    """What submitting one does, for who reads the API's description."""
    body: type[Body[R]]
    request: type[R]
    build: Callable[[Wiring], P]
    progress: Callable[[R], Mapping[str, int]]
    """The steps that count, each with its total as far as the request tells it."""
    waits: bool = False
    """Whether its jobs wait for files, and may wait for a person."""

    def progress_of(self, request: str) -> Mapping[str, int]:
        """Return the steps that count of a request as it is stored."""
        return self.progress(from_json(self.request, request))
