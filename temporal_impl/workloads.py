"""Every workload that Temporal runs: one line each."""

from shared.workloads.workload import ByName
from temporal_impl.face_jobs import FaceJobs
from temporal_impl.image_jobs import ImageJobs
from temporal_impl.workload import TemporalWorkload

_ALL: tuple[TemporalWorkload, ...] = (
    ImageJobs(),
    FaceJobs(),
)
WORKLOADS = ByName({each.workload.name: each for each in _ALL})
BY_WORKFLOW = ByName({each.workflow.__name__: each for each in _ALL})
"""By the type of their workflow."""
