"""The image workload: reserve credits, generate, assemble, capture, notify; or release.

One credit a picture. A write-once register settles whether the reservation is captured or
released, so that a cancel that races with the last step can never do both.
"""

from dataclasses import dataclass

from shared.domain.errors import BadRequest, JobCancelled, StepRefused
from shared.domain.ids import JobId
from shared.domain.jobs import Artifact, GeneratedImage, ImageJob
from shared.policy import GENERATE_IMAGE
from shared.ports.artifacts import Artifacts
from shared.ports.decisions import Decisions
from shared.ports.image_generator import ImageGenerator, ImageSpec, Resume, SaveState
from shared.ports.jobs import Jobs
from shared.ports.step_context import StepContext

PNG = "image/png"

_RESERVED = "reserved"
_CAPTURED = "captured"
_RELEASED = "released"


@dataclass(frozen=True, slots=True)
class ImagePorts:
    """What the image steps need from outside."""

    jobs: Jobs
    decisions: Decisions
    artifacts: Artifacts
    checkpoint_every: int


def generate_step(index: int) -> str:
    """Return the step name of picture `index` (from 0)."""
    return f"{GENERATE_IMAGE}/{index}"


def reserve_credits(ctx: StepContext, job: ImageJob, ports: ImagePorts) -> int:
    """Reserve one credit a picture and return how many.

    The first step is also the gate of acceptance: a job whose submission the facade has refused
    meanwhile never starts.
    """
    with ctx.together():
        accepted = ports.jobs.accept(JobId(ctx.job_id))
        stands = accepted and ports.decisions.decide(f"{ctx.job_id}/reservation", _RESERVED)
    if not accepted:
        raise StepRefused("the submission of this job was refused; it must not run")
    if stands != _RESERVED:
        raise JobCancelled
    ctx.apply("reserve_credits", job.n)
    return job.n


def generate_image(
    ctx: StepContext, job: ImageJob, index: int, ports: ImagePorts, generator: ImageGenerator
) -> GeneratedImage:
    """Make picture `index`, saving a checkpoint every `checkpoint_every` denoising steps."""
    spec = ImageSpec(job.prompt, job.seed + index, job.steps, job.width, job.height)
    resume = _load_checkpoint(ctx, ports) if generator.can_resume else None

    def on_step(done: int, total: int, save: SaveState) -> None:
        if generator.can_resume and done % ports.checkpoint_every == 0 and done < total:
            ctx.checkpoint(f"{done}:{ports.artifacts.put(save())}")
        ctx.progress(done, total)

    ctx.progress(resume.done if resume else 0, job.steps)
    png = generator.generate(spec, on_step, resume)
    artifact = Artifact(f"image-{index}.png", PNG, ports.artifacts.put(png))
    ctx.at_commit(lambda: ports.jobs.add_artifact(ctx.job_id, artifact))
    return GeneratedImage(artifact, spec.seed, resume.done if resume else 0)


def _load_checkpoint(ctx: StepContext, ports: ImagePorts) -> Resume | None:
    ref = ctx.resume_from()
    if ref is None:
        return None
    done, _, sha256 = ref.partition(":")
    try:
        return Resume(int(done), ports.artifacts.get(sha256))
    except (KeyError, ValueError):
        # A lost checkpoint costs time, not the job.
        return None


def assemble(
    ctx: StepContext, job: ImageJob, images: list[GeneratedImage], ports: ImagePorts
) -> Artifact:
    """Lay the pictures out on one contact sheet."""
    # Late: it brings Pillow, which only workers that assemble should load.
    from shared.workloads.image_generation.contact_sheet import contact_sheet

    if len(images) != job.n:
        raise BadRequest(f"{len(images)} pictures arrived where {job.n} were asked for")
    sheet = contact_sheet([ports.artifacts.get(image.artifact.sha256) for image in images])
    artifact = Artifact("contact-sheet.png", PNG, ports.artifacts.put(sheet))
    ctx.at_commit(lambda: ports.jobs.add_artifact(ctx.job_id, artifact))
    return artifact


def capture_credits(ctx: StepContext, job: ImageJob, ports: ImagePorts) -> int:
    """Capture the reservation and return the credits; `JobCancelled` if it was released."""
    if ports.decisions.decide(f"{ctx.job_id}/settlement", _CAPTURED) != _CAPTURED:
        raise JobCancelled
    ctx.apply("capture_credits", job.n)
    return job.n


def notify_user(ctx: StepContext) -> bool:
    """Tell the user that the pictures are ready."""
    ctx.apply("notify_user")
    return True


def release_credits(ctx: StepContext, job: ImageJob, ports: ImagePorts) -> bool:
    """Undo the reservation, the compensation of a failed or cancelled job.

    Returns False, and changes nothing, if the credits are captured already: the job is then past
    the point of no return and must be completed.
    """
    if ports.decisions.decide(f"{ctx.job_id}/settlement", _RELEASED) != _RELEASED:
        return False
    if ports.decisions.decide(f"{ctx.job_id}/reservation", _RELEASED) == _RESERVED:
        ctx.apply("release_credits", job.n)
    return True
