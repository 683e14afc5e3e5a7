"""Every workload that Temporal runs: one line each."""

from temporal_impl.face_jobs import FaceJobs
from temporal_impl.image_jobs import ImageJobs
from temporal_impl.workload import TemporalWorkload

_ALL = (
    ImageJobs(),
    FaceJobs(),
)
WORKLOADS: dict[str, TemporalWorkload] = {each.workload.name: each for each in _ALL}
BY_WORKFLOW = {each.workflow.__name__: each for each in WORKLOADS.values()}
"""By the type of their workflow."""
