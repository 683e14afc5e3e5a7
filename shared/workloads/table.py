"""Every workload that there is: one line each."""

from typing import Any

from shared.workloads.face_similarity.workload import FACES
from shared.workloads.image_generation.workload import IMAGES
from shared.workloads.workload import ByName, Workload

_ALL: tuple[Workload[Any, Any], ...] = (
    IMAGES,
    FACES,
)
WORKLOADS = ByName({each.name: each for each in _ALL})
