"""The image workload's rules, with ports held in the hand."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

import pytest

from shared.domain.errors import BadRequest, JobCancelled, StepRefused
from shared.domain.ids import JobId
from shared.domain.jobs import Artifact, GeneratedImage, ImageJob
from shared.ports.image_generator import ImageSpec, Resume, StepCallback
from shared.workloads.image_generation import steps
from shared.workloads.image_generation.steps import ImagePorts

JOB = ImageJob("a red circle", "user", n=2, steps=10, seed=40, width=64, height=64)


@dataclass
class Ctx:
    job_id: str = "job"
    step: str = "generate_image/0"
    attempt: int = 1
    idempotency_key: str = "job/step"
    resume: str | None = None
    told: list[tuple[int, int]] = field(default_factory=list)
    refs: list[str] = field(default_factory=list)
    applied: list[tuple[str, int | None]] = field(default_factory=list)

    def progress(self, done: int, total: int) -> None:
        self.told.append((done, total))

    def checkpoint(self, ref: str) -> None:
        self.refs.append(ref)

    def resume_from(self) -> str | None:
        return self.resume

    def together(self) -> AbstractContextManager[None]:
        return nullcontext()

    def at_commit(self, change: Callable[[], None]) -> None:
        change()

    def apply(self, effect: str, amount: int | None = None) -> None:
        self.applied.append((effect, amount))


class Blobs(dict[str, bytes]):
    def put(self, data: bytes) -> str:
        key = f"sha-of-{data.decode()}"
        self[key] = data
        return key

    def get(self, sha256: str) -> bytes:  # type: ignore[override]
        return self[sha256]


class Register(dict[str, str]):
    def decide(self, key: str, value: str) -> str:
        return self.setdefault(key, value)


@dataclass
class Jobs:
    accepts: bool = True
    made: list[Artifact] = field(default_factory=list)

    def accept(self, _job_id: JobId) -> bool:
        return self.accepts

    def add_artifact(self, _job_id: str, artifact: Artifact) -> None:
        self.made.append(artifact)


@dataclass
class Generator:
    name: str = "test"
    can_resume: bool = True
    resumed: list[Resume | None] = field(default_factory=list)

    def load(self) -> None: ...

    def generate(
        self, spec: ImageSpec, on_step: StepCallback, resume: Resume | None = None
    ) -> bytes:
        self.resumed.append(resume)
        for done in range(resume.done + 1 if resume else 1, spec.steps + 1):
            on_step(done, spec.steps, lambda done=done: f"latents {done}".encode())
        return f"picture {spec.seed}".encode()


@pytest.fixture
def ports() -> ImagePorts:
    return ImagePorts(Jobs(), Register(), Blobs(), checkpoint_every=4)  # type: ignore[arg-type]


def test_picture_i_is_made_from_seed_plus_i(ports: ImagePorts) -> None:
    image = steps.generate_image(Ctx(), JOB, 1, ports, Generator())
    assert image.seed == 41
    assert ports.artifacts.get(image.artifact.sha256) == b"picture 41"


def test_checkpoints_are_references_saved_every_few_steps_and_not_at_the_end(
    ports: ImagePorts,
) -> None:
    ctx = Ctx()
    steps.generate_image(ctx, JOB, 0, ports, Generator())
    assert ctx.refs == ["4:sha-of-latents 4", "8:sha-of-latents 8"]
    assert ctx.told == [(done, 10) for done in range(11)]


def test_a_resume_goes_on_from_the_checkpoint(ports: ImagePorts) -> None:
    ctx = Ctx(resume=f"4:{ports.artifacts.put(b'latents 4')}")
    image = steps.generate_image(ctx, JOB, 0, ports, Generator())
    assert image.resumed_from == 4
    assert ctx.told[0] == (4, 10)
    assert ctx.told[1] == (5, 10)


@pytest.mark.parametrize("ref", ["4:sha-of-nothing", "garbage", "x:y"])
def test_a_checkpoint_that_cannot_be_read_costs_time_and_not_the_job(
    ports: ImagePorts, ref: str
) -> None:
    generator = Generator()
    assert steps.generate_image(Ctx(resume=ref), JOB, 0, ports, generator).resumed_from == 0
    assert generator.resumed == [None]


def test_a_model_that_cannot_resume_starts_from_zero_and_saves_nothing(ports: ImagePorts) -> None:
    ctx = Ctx(resume=f"4:{ports.artifacts.put(b'latents 4')}")
    image = steps.generate_image(ctx, JOB, 0, ports, Generator(can_resume=False))
    assert (image.resumed_from, ctx.refs) == (0, [])


def test_the_first_step_refuses_a_job_that_the_facade_refused(ports: ImagePorts) -> None:
    ports.jobs.accepts = False  # type: ignore[attr-defined]
    ctx = Ctx()
    with pytest.raises(StepRefused):
        steps.reserve_credits(ctx, JOB, ports)
    assert ctx.applied == []


def test_credits_are_captured_or_released_but_never_both(ports: ImagePorts) -> None:
    ctx = Ctx()
    steps.reserve_credits(ctx, JOB, ports)
    assert steps.capture_credits(ctx, JOB, ports) == 2
    assert steps.release_credits(ctx, JOB, ports) is False
    assert ctx.applied == [("reserve_credits", 2), ("capture_credits", 2)]


def test_a_capture_after_a_release_is_a_cancel(ports: ImagePorts) -> None:
    ctx = Ctx()
    steps.reserve_credits(ctx, JOB, ports)
    assert steps.release_credits(ctx, JOB, ports) is True
    with pytest.raises(JobCancelled):
        steps.capture_credits(ctx, JOB, ports)
    assert ctx.applied == [("reserve_credits", 2), ("release_credits", 2)]


def test_a_release_before_the_reservation_applies_nothing_and_blocks_it(ports: ImagePorts) -> None:
    ctx = Ctx()
    assert steps.release_credits(ctx, JOB, ports) is True
    with pytest.raises(JobCancelled):
        steps.reserve_credits(ctx, JOB, ports)
    assert ctx.applied == []


def test_a_contact_sheet_needs_every_picture(ports: ImagePorts) -> None:
    one = GeneratedImage(Artifact("image-0.png", "image/png", "x"), 40, 0)
    with pytest.raises(BadRequest, match="1 pictures"):
        steps.assemble(Ctx(), JOB, [one], ports)
