"""Refuses what the installed Celery and kombu do not know, and would ignore without a word.

On kombu 5.6 the sweep's two options do nothing: a dead worker's message then comes back after up to
a hundred seconds more, and no log says so.
"""

from collections.abc import Collection
from importlib.metadata import version
from inspect import signature

import amqp
from celery.app.defaults import DEFAULTS
from kombu.transport.redis import Channel

from celery_impl.profile import TRANSPORT, Broker, CeleryProfile
from shared.domain.errors import BadSetting


def refuse_unknown(profile: CeleryProfile) -> None:
    """Raise `BadSetting` if a setting of the profile would be ignored."""
    _refuse(profile, "celery", "", set(profile.conf) - set(DEFAULTS))
    on_amqp = profile.broker is Broker.RABBITMQ
    # What the AMQP transport is given goes to the connection (kombu/transport/pyamqp.py).
    known = signature(amqp.Connection).parameters if on_amqp else Channel.from_transport_options
    _refuse(profile, "amqp" if on_amqp else "kombu", TRANSPORT, set(profile.transport) - set(known))


def _refuse(profile: CeleryProfile, package: str, prefix: str, unknown: Collection[str]) -> None:
    if not unknown:
        return
    names = {prefix + name for name in unknown}
    listed = ", ".join(
        f"{each.name} (since {each.since})" if each.since else each.name
        for each in profile.effective
        if each.name in names
    )
    raise BadSetting(
        f"{profile.name}.toml: {package} {version(package)} would ignore {listed}; install a"
        " version that knows it, or name another profile"
    )
