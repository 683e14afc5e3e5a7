"""How long a recovery may take, from the settings in force."""

from celery_impl.profile import CeleryProfile
from shared.domain.jobs import Bound
from shared.settings import Settings


def recovery_bounds(profile: CeleryProfile, settings: Settings) -> dict[str, Bound]:
    return {}
