"""The change that is deployed, as edits of an engine's own code, and the ways to deploy it.

The pictures of a job are made one after the other from now on, where they were begun all at once.
On Celery also with a task renamed: a message names its task, as a history has its steps.
"""

from dataclasses import dataclass

from bench.arms.topology import Arm

_ONE_BY_ONE = '''\
    async def _one_by_one(self) -> list[GeneratedImage]:
        """Make the pictures one after the other."""
        options = self._options[GENERATE_IMAGE]
        return [
            await workflow.execute_activity_method(
                ImageActivities.generate_image,
                GenerateImage(self._order, index),
                **options.to_temporal(generate_step(index)),
            )
            for index in range(self._order.job.n)
        ]

    async def _assemble('''


@dataclass(frozen=True, slots=True)
class Edit:
    """One change of a file in an engine's package; `old` is in it once."""

    file: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Way:
    """One way to deploy: what is changed in the code, and how it comes to the workers."""

    name: str
    engine: str
    edits: tuple[Edit, ...]
    profile: str = "hardened"
    pinned: bool = False
    """Whether a job stays with the workers of the build that began it, by Worker Versioning."""
    asks_replay: bool = False
    """Whether it can be asked beforehand if jobs go on with the new code."""


@dataclass(frozen=True, slots=True)
class DeployedArm(Arm):
    """An arm to which one way of deploying comes: `temporal/hardened/patched`."""

    way: Way

    @property
    def name(self) -> str:
        """The arm's name and the way."""
        return f"{self.configuration}/{self.way.name}"

    @property
    def namespace(self) -> str:
        """What keeps its jobs apart from all others."""
        return f"deploys-{self.slug}"


_WORKFLOW = "image_workflows.py"
_CALL = "            images = await self._generate_all()\n"
_ADDED = Edit(_WORKFLOW, "    async def _assemble(", _ONE_BY_ONE)
_UNPATCHED = (
    Edit(_WORKFLOW, _CALL, "            images = await self._one_by_one()\n"),
    _ADDED,
)
_PATCHED = (
    Edit(
        _WORKFLOW,
        _CALL,
        '            one_by_one = workflow.patched("one-by-one")\n'
        "            make = self._one_by_one if one_by_one else self._generate_all\n"
        "            images = await make()\n",
    ),
    _ADDED,
)
_CHAIN = (
    Edit(
        "image_flows.py",
        "        parts.append(chord(members, assemble, app=app))\n",
        "        parts += [*members, assemble]\n",
    ),
)
_RENAMED = (
    *_CHAIN,
    Edit("image_tasks.py", "@step_task(ASSEMBLE)\n", '@step_task(ASSEMBLE, "lay_out")\n'),
    Edit(
        "image_flows.py",
        "    assemble = _step(app, job_id, ASSEMBLE).set(",
        "    assemble = step_signature(\n"
        '        app, job_id, ASSEMBLE, task="lay_out", errback=RELEASE_CREDITS\n'
        "    ).set(",
    ),
)

WAYS = (
    Way("changed", "celery", _CHAIN),
    Way("renamed", "celery", _RENAMED),
    Way("renamed", "celery", _RENAMED, profile="tuned"),
    Way("unpatched", "temporal", _UNPATCHED, asks_replay=True),
    Way("patched", "temporal", _PATCHED, asks_replay=True),
    Way("pinned", "temporal", _UNPATCHED, pinned=True, asks_replay=True),
)
