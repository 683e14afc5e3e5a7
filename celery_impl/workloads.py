"""Every workload that Celery runs: one line each."""

from celery_impl.face_flows import FACES
from celery_impl.image_flows import IMAGES
from shared.workloads.workload import ByName

_ALL = (
    IMAGES,
    FACES,
)
WORKLOADS = ByName({each.workload.name: each for each in _ALL})
