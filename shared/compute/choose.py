"""Picks the compute driver that the settings name."""

from shared.compute.diffusers_images import DiffusersImages
from shared.compute.simulated_images import SimulatedImages
from shared.ports.image_generator import ImageGenerator
from shared.settings import Settings


def image_generator(settings: Settings) -> ImageGenerator:
    """Return the driver, not loaded yet; importing torch is left to its `load`."""
    match settings.compute:
        case "simulated":
            return SimulatedImages(settings.simulated_step_s, settings.simulated_load_s)
        case "diffusers":
            return DiffusersImages(settings.image_model, settings.device, settings.torch_threads)
