"""Picks the compute drivers that the settings name, and imports no other."""

from shared.domain.jobs import IMAGE_GENERATION
from shared.ports.face_embedder import FaceEmbedder
from shared.ports.image_generator import ImageGenerator
from shared.settings import Settings


def image_generator(settings: Settings) -> ImageGenerator:
    """Return the driver, not loaded yet; importing torch or Pillow is left to its `load`."""
    match settings.compute:
        case "simulated":
            from shared.compute.simulated_images import SimulatedImages

            return SimulatedImages(settings.simulated_step_s, settings.simulated_load_s)
        case "diffusers":
            from shared.compute.diffusers_images import DiffusersImages

            return DiffusersImages(settings.image_model, settings.device, settings.torch_threads)


def import_libraries(settings: Settings) -> None:
    """Import what the drivers' `load` would, and load nothing: for a process that forks workers."""
    if settings.compute == "diffusers" and IMAGE_GENERATION in settings.workloads:
        from shared.compute.model_source import import_libraries as import_diffusers

        import_diffusers()


def face_embedder(settings: Settings) -> FaceEmbedder:
    """Return the driver, not loaded yet; importing dlib is left to its `load`.

    Simulated where pictures are, else real. dlib's networks run on the CPU whatever the device.
    """
    match settings.compute:
        case "simulated":
            from shared.compute.simulated_faces import SimulatedFaces

            return SimulatedFaces(settings.simulated_step_s, settings.simulated_load_s)
        case "diffusers":
            from shared.compute.dlib_faces import DlibFaces

            return DlibFaces()
