"""One frozen `Settings`, read from the environment once, where a process starts."""

import socket
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from shared.crash_points import CrashPoint
from shared.domain.durability import Durability
from shared.domain.errors import BadSetting
from shared.policy import WORKLOAD_NAMES
from shared.ports.idempotency import IdempotencyMode
from shared.revision import code_revision

TINY_MODEL = Path(__file__).parent / "compute" / "models" / "tiny-shapes"


def _is_workload(name: str) -> str:
    if name not in WORKLOAD_NAMES:
        raise ValueError(f"{name!r} is not one of {', '.join(WORKLOAD_NAMES)}")
    return name


class Settings(BaseSettings):
    """Every setting of every process; the variable is the field's name with `CHANGEOVER_`."""

    model_config = SettingsConfigDict(env_prefix="CHANGEOVER_", frozen=True, extra="ignore")

    backend: Literal["celery", "temporal"] = "celery"
    """The feature flag: which engine takes new jobs."""
    profile: str = "hardened"
    """Which file of `<engine>_impl/profiles/` configures the engine."""
    namespace: str = Field("changeover", pattern=r"^[a-z0-9-]{1,60}$")
    """Keeps environments apart: the Temporal namespace and the Redis key prefix."""

    redis_url: str = "redis://127.0.0.1:6379/0"
    broker_url: str = ""
    """Celery's broker, where it is not `redis_url`: `amqp://...` for the profiles on RabbitMQ."""
    temporal_address: str = "127.0.0.1:7233"
    temporal_namespace: str = ""
    """Temporal's namespace, where it is not called as `namespace` is."""
    temporal_tls: bool | None = None
    """Whether to connect with TLS; None for what the rest says: a certificate or a key wants it."""
    temporal_tls_server_ca_cert_path: str = ""
    """A PEM file with the authorities that may have signed the server's certificate."""
    temporal_tls_server_name: str = ""
    """The name in the server's certificate, where it is not the address's."""
    temporal_tls_client_cert_path: str = ""
    temporal_tls_client_key_path: str = ""
    temporal_api_key: str | None = Field(None, repr=False)
    temporal_envconfig: bool = True
    """Whether Temporal's own variables and `temporal.toml` say what is not said here."""
    temporal_payload_codec: str = ""
    """`module:factory` of a payload codec, through which all that the server keeps goes."""
    temporal_ui_url: str | None = None
    database_url: str = "sqlite:///changeover.db"
    durability: Durability = Durability.PROCESS
    """What an acknowledged write survives, in SQLite and in the servers that we start."""
    artifacts_url: str = "file://./artifacts"
    effects_url: str = "http://127.0.0.1:8099"

    build_id: str = ""
    """Names this build of the code; empty for the code's revision."""
    worker_versioning: Literal["off", "pinned"] = "off"
    """Whether a workflow stays on Temporal's workers of the build that began it."""

    workloads: frozenset[Annotated[str, AfterValidator(_is_workload)]] = frozenset(WORKLOAD_NAMES)
    """What is served here (a JSON list): the facade's routes, and the models that workers load."""
    compute: Literal["diffusers", "simulated"] = "diffusers"
    image_model: str = str(TINY_MODEL)
    """A hub id or a folder with a diffusers text-to-image pipeline."""
    device: Literal["auto", "cuda", "mps", "cpu"] = "auto"
    torch_threads: int = Field(1, ge=1)
    simulated_step_s: float = Field(0.1, gt=0)
    simulated_load_s: float = Field(0.0, ge=0)
    checkpoint_every: int = Field(5, ge=1)
    """Denoising steps between two checkpoints."""

    input_deadline_s: float = Field(3600.0, gt=0)
    """How long a face session waits for its two files, in seconds."""
    review_deadline_s: float = Field(86_400.0, gt=0)
    """How long a borderline comparison waits for a person, in seconds."""
    face_threshold: float = Field(0.6, gt=0, lt=2)
    """The largest distance of two faces of the same person."""
    face_review_margin: float = Field(0.05, ge=0)
    """Distances this close to the threshold go to a person."""
    frames_per_video: int = Field(16, ge=1, le=500)
    image_limit_bytes: int = Field(10 * 2**20, ge=1)
    video_limit_bytes: int = Field(100 * 2**20, ge=1)
    upload_retention_s: float = Field(7 * 86_400.0, ge=0)
    """How long the uploads of a finished session are kept, in seconds."""
    purge_every_s: float = Field(3600.0, ge=1)
    """How often uploads past their retention are removed, in seconds."""

    idempotency: IdempotencyMode = IdempotencyMode.FENCED
    crash_point: Annotated[CrashPoint | None, NoDecode, BeforeValidator(CrashPoint.parse)] = Field(
        None, validate_default=False
    )
    """For experiments only: where the worker strikes itself, as `kill@mid_work:generate_image`."""
    detection_budget_s: float = Field(20.0, ge=2)
    """How long an engine may take to notice a dead worker, in seconds."""
    heartbeat_share: float = Field(0.2, gt=0, le=0.8)
    """How often a running step's heartbeat reaches Temporal's server: once in this share of the
    heartbeat timeout. Each is billed on Temporal Cloud; between two of them nothing is known."""
    outage_patience_s: int = Field(300, ge=30, le=86400)
    """How long a Celery worker goes on trying to publish what follows a step, in seconds.
    Temporal's worker gives its report up after 10 s, and its server has the step tried again."""
    stop_grace_s: float = Field(20.0, ge=1)
    """Seconds between SIGTERM and SIGKILL, as the process supervisor grants them."""
    cpu_slots: int = Field(4, ge=1)
    worker_name: str = Field(default_factory=socket.gethostname, min_length=1)
    """Names a worker in the ledger and among the live workers; in a container, its host name."""

    @property
    def build(self) -> str:
        """What this build is called: `build_id`, else the revision of the code."""
        return self.build_id or code_revision()

    @property
    def lease_s(self) -> float:
        """How long an idempotency lease outlives the last progress.

        Half the detection budget: by the time either engine hands a step out again on account of
        a dead worker's silence, the lease is over or about to be.
        """
        return self.detection_budget_s / 2

    @property
    def uploads_url(self) -> str:
        """Where the files that clients bring are stored, apart from what steps make."""
        return f"{self.artifacts_url.rstrip('/')}/uploads"

    @classmethod
    def from_environment(cls) -> Self:
        """Read the environment; `BadSetting` names every variable that is wrong."""
        try:
            return cls()
        except ValidationError as error:
            raise BadSetting("; ".join(_complaint(item) for item in error.errors())) from None


def _complaint(item: object) -> str:
    assert isinstance(item, dict)
    name = "_".join(str(part) for part in item["loc"]).upper()
    return f"CHANGEOVER_{name}={item['input']!r}: {item['msg']}"
