"""What a worker is a version of."""

import pytest
from temporalio.common import VersioningBehavior

from shared.domain.errors import BadSetting
from shared.policy import Queue
from shared.settings import Settings
from temporal_impl import profile as profiles
from temporal_impl.deployment import DEPLOYMENT, deployed_as


def _pinned(profile: str = "hardened") -> Settings:
    return Settings(profile=profile, build_id="7", worker_versioning="pinned")


def test_the_workflows_of_a_pinned_build_stay_with_it() -> None:
    found = deployed_as(Queue.CPU, profiles.load(_pinned()), _pinned())
    assert found is not None
    assert found.use_worker_versioning
    assert found.default_versioning_behavior is VersioningBehavior.PINNED
    assert (found.version.deployment_name, found.version.build_id) == (DEPLOYMENT, "7")


def test_gpu_workers_take_the_steps_of_every_build() -> None:
    found = deployed_as(Queue.GPU, profiles.load(_pinned()), _pinned())
    assert found is not None
    assert not found.use_worker_versioning


def test_without_the_setting_nothing_is_pinned() -> None:
    settings = Settings(build_id="7")
    found = deployed_as(Queue.CPU, profiles.load(settings), settings)
    assert found is not None
    assert not found.use_worker_versioning


def test_a_profile_without_a_build_id_cannot_be_pinned() -> None:
    settings = _pinned("stock")
    with pytest.raises(BadSetting, match="needs a build id"):
        deployed_as(Queue.CPU, profiles.load(settings), settings)
