"""What a worker is a version of: which build, and whether workflows stay with it."""

from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.worker import WorkerDeploymentConfig

from shared.domain.errors import BadSetting
from shared.policy import Queue
from shared.settings import Settings
from temporal_impl.profile import TemporalProfile

DEPLOYMENT = "changeover"
"""What all builds of the workers are versions of."""


def deployed_as(
    role: Queue, profile: TemporalProfile, settings: Settings
) -> WorkerDeploymentConfig | None:
    """Return what this worker is a version of, None where the profile names no build.

    Workflows are pinned, which only the CPU workers run. What the GPU workers have, activities
    alone, is taken by whichever build is there.
    """
    pinned = settings.worker_versioning == "pinned"
    if profile.build_id is None:
        if pinned:
            raise BadSetting(
                f"CHANGEOVER_WORKER_VERSIONING=pinned needs a build id, and the profile"
                f" {settings.profile!r} has none; take another one"
            )
        return None
    version = WorkerDeploymentVersion(DEPLOYMENT, profile.build_id)
    if pinned and role is Queue.CPU:
        return WorkerDeploymentConfig(
            version=version,
            use_worker_versioning=True,
            default_versioning_behavior=VersioningBehavior.PINNED,
        )
    return WorkerDeploymentConfig(version=version, use_worker_versioning=False)
