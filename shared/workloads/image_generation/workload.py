"""Image generation, as everything else sees it."""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.adapters.artifacts import FsspecArtifacts
from shared.adapters.decisions import SqlDecisions
from shared.compute.choose import image_generator
from shared.domain.jobs import IMAGE_GENERATION, ImageJob
from shared.ports.image_generator import ImageGenerator
from shared.workloads.image_generation.body import ImageGenerationBody
from shared.workloads.image_generation.steps import ImagePorts, generate_step
from shared.workloads.workload import Wiring, Workload


@dataclass(frozen=True, slots=True)
class ImageParts:
    """What its steps need from outside."""

    ports: ImagePorts
    generator: ImageGenerator

    def load(self) -> None:
        """Load the diffusion model."""
        self.generator.load()


def _build(wiring: Wiring) -> ImageParts:
    settings = wiring.settings
    ports = ImagePorts(
        jobs=wiring.jobs,
        decisions=SqlDecisions(wiring.database),
        artifacts=FsspecArtifacts(settings.artifacts_url),
        checkpoint_every=settings.checkpoint_every,
    )
    return ImageParts(ports, image_generator(settings))


def _progress(job: ImageJob) -> Mapping[str, int]:
    return {generate_step(index): job.steps for index in range(job.n)}


IMAGES = Workload(
    name=IMAGE_GENERATION,
    title="image generation",
    submitting="Accept an image job. The same `Idempotency-Key` and body give the same job.",
    body=ImageGenerationBody,
    request=ImageJob,
    build=_build,
    progress=_progress,
)
