"""The simulated face model, and who gets it."""

import subprocess
import sys

import numpy as np
import pytest

from shared.compute.choose import face_embedder
from shared.compute.simulated_faces import SimulatedFaces
from shared.ports.face_embedder import FaceBox, Pixels
from shared.settings import Settings

RED, GREEN = (255, 0, 0), (0, 255, 0)


def filled(colour: tuple[int, int, int], width: int = 64, height: int = 48) -> Pixels:
    return np.full((height, width, 3), colour, np.uint8)


def distance(one: Pixels, other: Pixels) -> float:
    model = SimulatedFaces(0.0, 0.0)
    return float(np.linalg.norm(model.embed(one)[0].vector - model.embed(other)[0].vector))


def test_pictures_of_one_colour_match_whatever_their_size() -> None:
    assert distance(filled(RED), filled(RED, 640, 480)) == 0.0
    assert distance(filled((250, 4, 3)), filled(RED)) < 0.05


def test_pictures_of_different_colours_are_as_far_apart_as_the_colours() -> None:
    assert distance(filled(RED), filled(GREEN)) == pytest.approx(2**0.5)


def test_a_dark_picture_has_no_face_and_any_other_has_one() -> None:
    model = SimulatedFaces(0.0, 0.0)
    assert model.embed(filled((20, 20, 20))) == []
    (face,) = model.embed(filled(GREEN), limit=3)
    assert (face.box, face.vector.shape) == (FaceBox(0, 0, 64, 48), (128,))


def test_the_setting_that_simulates_pictures_simulates_faces() -> None:
    simulated = face_embedder(Settings(compute="simulated", simulated_step_s=0.25))
    assert simulated.name == "simulated: 0.25 s a face"
    assert face_embedder(Settings(compute="diffusers")).name.startswith("dlib: ")


def test_choosing_a_driver_loads_no_model_library() -> None:
    code = (
        "import sys\n"
        "from shared.compute.choose import face_embedder\n"
        "from shared.settings import Settings\n"
        "face_embedder(Settings())\n"
        "print({'dlib', 'torch', 'face_recognition_models'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"
