"""Which packages a driver needs, and the extra that installs them. Nothing is imported here."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from importlib.util import find_spec

from shared.domain.errors import MissingExtra
from shared.domain.faces import FACE_SIMILARITY
from shared.domain.jobs import IMAGE_GENERATION


@dataclass(frozen=True, slots=True)
class Need:
    """What is needed, by which driver, and the extra that has it."""

    who: str
    modules: tuple[str, ...]
    extra: str

    @property
    def complaint(self) -> str:
        """What is missing, in a sentence; empty if nothing is."""
        missing = [name for name in self.modules if not _is_installed(name)]
        if not missing:
            return ""
        named = " and ".join([", ".join(missing[:-1]), missing[-1]] if missing[1:] else missing)
        return f"{self.who} needs {named}: pip install 'changeover[{self.extra}]'"


_PIPELINE = Need(
    "the diffusers driver",
    ("torch", "diffusers", "transformers", "accelerate", "safetensors"),
    "images",
)
_MEDIA = Need("a face session", ("numpy", "av"), "faces")
"""Whatever takes in, looks at or makes the picture and the video of one."""
_NETWORKS = Need("the dlib driver", ("dlib", "face_recognition_models"), "faces")


def needed_to_serve(workloads: Collection[str]) -> list[Need]:
    """Return what a facade needs: it looks into the files that it takes in."""
    return [_MEDIA] if FACE_SIMILARITY in workloads else []


def needed_to_compute(compute: str, workloads: Collection[str]) -> list[Need]:
    """Return what a GPU worker needs; one that runs the other steps needs none of it."""
    real = compute == "diffusers"
    pipeline = [_PIPELINE] if real and IMAGE_GENERATION in workloads else []
    networks = [_NETWORKS] if real and FACE_SIMILARITY in workloads else []
    return [*pipeline, *needed_to_serve(workloads), *networks]


def complaints(needs: Iterable[Need]) -> list[str]:
    """Return a sentence for each need that is not met."""
    return [said for need in dict.fromkeys(needs) if (said := need.complaint)]


def require(needs: Iterable[Need]) -> None:
    """Raise `MissingExtra`, which says all that is missing and how to install it."""
    if said := complaints(needs):
        raise MissingExtra("; ".join(said))


def _is_installed(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):  # ValueError: something has put None in its place
        return False
