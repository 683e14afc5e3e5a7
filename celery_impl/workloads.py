"""Every workload that Celery runs: one line each."""

from celery_impl.face_flows import FACES
from celery_impl.image_flows import IMAGES
from celery_impl.workload import CeleryWorkload

_ALL = (
    IMAGES,
    FACES,
)
WORKLOADS: dict[str, CeleryWorkload] = {each.workload.name: each for each in _ALL}
