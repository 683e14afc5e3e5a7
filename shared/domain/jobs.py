"""Requests and views of jobs, the same for both engines."""

from dataclasses import dataclass, field

from shared.domain.status import JobStatus

IMAGE_GENERATION = "image-generation"


@dataclass(frozen=True, slots=True)
class ImageJob:
    """A request for `n` pictures of one prompt. Picture `i` is made from seed `seed + i`."""

    prompt: str
    user_id: str
    n: int
    steps: int
    seed: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file that a step made; `sha256` is also its key in the artifact store."""

    name: str
    media_type: str
    sha256: str


@dataclass(frozen=True, slots=True)
class GeneratedImage:
    """The result of one `generate_image` step. `resumed_from` is 0 if it ran from the start."""

    artifact: Artifact
    seed: int
    resumed_from: int


@dataclass(frozen=True, slots=True)
class ImageResult:
    """The result of an image job; `credits` were captured."""

    images: list[GeneratedImage]
    contact_sheet: Artifact
    credits: int


@dataclass(frozen=True, slots=True)
class EngineView:
    """What an engine itself knows of a job, with no worker's help.

    `stuck`: it holds the job, cannot go on by itself, and `error` says why.
    """

    status: JobStatus
    step: str | None = None
    result: dict[str, object] | None = None
    error: str | None = None
    updated_at_s: float | None = None
    stuck: bool = False


@dataclass(frozen=True, slots=True)
class EngineTrace:
    """Whether the engine still holds a job, where, and by when it will hand it out again.

    `due_in_s` is an upper bound in seconds from now, None if the engine has no such bound or will
    never hand the job out again. `stuck`: it cannot, until somebody does what `where` asks for.
    `closed` is whether the engine has the job's end, whatever that is: a job that is not held is
    lost only if it is not closed either.
    """

    held: bool
    where: str
    due_in_s: float | None = None
    detail: dict[str, object] = field(default_factory=dict)
    stuck: bool = False
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Bound:
    """An upper bound in seconds and the terms it is the sum of; None if it never recovers."""

    seconds: float | None
    parts: dict[str, float]
    why: str


@dataclass(frozen=True, slots=True)
class EffectiveSetting:
    """One engine setting in force, with its reason and the source of that reason.

    `since` is the version that brought it, as `kombu 5.7`; empty if nobody has looked it up.
    """

    name: str
    value: str
    reason: str
    source: str
    since: str = ""


@dataclass(frozen=True, slots=True)
class EngineHealth:
    """Whether the engine answers, and what exactly answers."""

    reachable: bool
    server: str
    persistence: str
    detail: str = ""
