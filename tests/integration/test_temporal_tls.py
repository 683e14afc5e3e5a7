"""A Temporal server behind TLS that wants client certificates: facade, workers and bench."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from temporalio.client import Client

from bench.arms.named_temporal import named_temporal
from bench.errors import NotFit
from shared.domain.errors import BadSetting
from shared.domain.status import JobStatus
from tests.codecs import ENCODING
from tests.integration.temporal_cell import DevServer, MakeCell, started
from tests.integration.tls_front import Front, tls_front

pytest_plugins = ("tests.integration.temporal_fixtures",)

OURS = "CHANGEOVER_TEMPORAL"
THEIRS = "TEMPORAL"


@pytest.fixture
def front(server: DevServer, tmp_path: Path) -> Iterator[Front]:
    with tls_front(server.address, tmp_path / "tls") as front:
        yield front


def _environment(prefix: str, front: Front) -> dict[str, str]:
    return {
        f"{prefix}_ADDRESS": front.address,
        f"{prefix}_NAMESPACE": "test-0",
        f"{prefix}_API_KEY": "a-key",
        f"{prefix}_TLS_SERVER_CA_CERT_PATH": str(front.ca),
        f"{prefix}_TLS_CLIENT_CERT_PATH": str(front.cert),
        f"{prefix}_TLS_CLIENT_KEY_PATH": str(front.key),
    }


def _set(monkeypatch: pytest.MonkeyPatch, environment: Mapping[str, str]) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("profile", ["hardened", "standalone"])
async def test_a_job_runs_over_mutual_tls_and_the_server_keeps_what_the_codec_makes(
    profile: str, new_cell: MakeCell, server: DevServer, front: Front
) -> None:
    cell = await started(
        new_cell,
        *("gpu", "cpu"),
        profile=profile,
        temporal_address=front.address,
        temporal_api_key="a-key",
        temporal_tls_server_ca_cert_path=str(front.ca),
        temporal_tls_client_cert_path=str(front.cert),
        temporal_tls_client_key_path=str(front.key),
        temporal_payload_codec="tests.codecs:Reversing",
    )
    job_id = await cell.submit()
    assert (await cell.finished(job_id)).status is JobStatus.SUCCEEDED
    # A session's view comes from its memo.
    session = await cell.submit_session()
    await cell.until_status(session, JobStatus.WAITING)
    plain = await Client.connect(server.address, namespace=cell.settings.namespace)
    on_server = job_id if profile == "hardened" else session
    kept = await plain.get_workflow_handle(on_server).fetch_history()
    given = kept.events[0].workflow_execution_started_event_attributes
    payloads = [*given.input.payloads, *given.memo.fields.values()]
    for event in kept.events:
        payloads += event.activity_task_scheduled_event_attributes.input.payloads
        payloads += event.activity_task_completed_event_attributes.result.payloads
    assert {payload.metadata["encoding"] for payload in payloads} == {ENCODING}
    await cell.engine.close()


@pytest.mark.parametrize("prefix", [OURS, THEIRS])
async def test_the_bench_finds_the_server_by_our_variables_and_by_temporals(
    prefix: str, server: DevServer, front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    await server.ready("test-0")
    _set(monkeypatch, _environment(prefix, front))
    found = named_temporal(own_namespace="changeover")
    assert found is not None
    assert (found.named_by, found.address) == (f"{prefix}_ADDRESS", front.address)
    assert (found.namespace, found.server_name) == ("test-0", "localhost")


async def test_the_bench_finds_the_server_by_a_profile(
    server: DevServer, front: Front, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await server.ready("test-0")
    file = tmp_path / "temporal.toml"
    file.write_text(
        f"""
        [profile.behind-tls]
        address = "{front.address}"
        namespace = "test-0"
        [profile.behind-tls.tls]
        server_ca_cert_path = "{front.ca}"
        client_cert_path = "{front.cert}"
        client_key_path = "{front.key}"
        """
    )
    _set(monkeypatch, {"TEMPORAL_CONFIG_FILE": str(file), "TEMPORAL_PROFILE": "behind-tls"})
    found = named_temporal()
    assert found is not None
    assert (found.named_by, found.namespace) == ("TEMPORAL_PROFILE", "test-0")


async def test_namespaces_that_a_run_needs_are_created(
    server: DevServer, front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = _environment(OURS, front)
    del environment["CHANGEOVER_TEMPORAL_NAMESPACE"]
    _set(monkeypatch, environment)
    # Once more finds them.
    for _ in range(2):
        assert named_temporal(["run-arm-a", "run-arm-b"]) is not None
    own = named_temporal(own_namespace="run-own")
    assert own is not None
    assert own.namespace == "run-own"
    for namespace in ("run-arm-a", "run-arm-b", "run-own"):
        await server.ready(namespace)


_WRONG = {
    "ca": ("TLS_SERVER_CA_CERT_PATH", "strange_ca", "signed by nobody that is trusted"),
    "client": ("TLS_CLIENT_CERT_PATH", "", "a client without a certificate"),
    "plain": ("TLS", "false", "CHANGEOVER_TEMPORAL_TLS=true"),
    "name": ("TLS_SERVER_NAME", "elsewhere.test", "not for elsewhere.test"),
    "key": ("TLS_CLIENT_KEY_PATH", "ca", "no certificate with its key"),
    "namespace": ("NAMESPACE", "no-such", "has no namespace 'no-such'"),
    "port": ("ADDRESS", "localhost:1", "no answer from Temporal at localhost:1"),
}


@pytest.mark.parametrize("prefix", [OURS, THEIRS])
@pytest.mark.parametrize("wrong", _WRONG)
async def test_what_is_wrong_is_said_in_one_sentence(
    wrong: str, prefix: str, server: DevServer, front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    await server.ready("test-0")
    _set(monkeypatch, _wrong_environment(wrong, prefix, front))
    with pytest.raises(NotFit) as refused:
        named_temporal(own_namespace="changeover")
    said = str(refused.value)
    assert _WRONG[wrong][2] in said
    assert "\n" not in said


def _wrong_environment(wrong: str, prefix: str, front: Front) -> dict[str, str]:
    variable, value, _ = _WRONG[wrong]
    environment = _environment(prefix, front)
    environment[f"{prefix}_{variable}"] = str(getattr(front, value, value))
    if wrong == "client":
        del environment[f"{prefix}_TLS_CLIENT_CERT_PATH"]
        del environment[f"{prefix}_TLS_CLIENT_KEY_PATH"]
    return environment


async def test_a_client_certificate_by_a_stranger_is_not_accepted(
    server: DevServer, front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = _environment(OURS, front)
    environment["CHANGEOVER_TEMPORAL_TLS_CLIENT_CERT_PATH"] = str(front.strange_cert)
    environment["CHANGEOVER_TEMPORAL_TLS_CLIENT_KEY_PATH"] = str(front.strange_key)
    _set(monkeypatch, environment)
    with pytest.raises(NotFit, match="this client certificate"):
        named_temporal()


@pytest.mark.parametrize("wrong", ["ca", "client", "namespace"])
async def test_up_ends_with_3_and_one_sentence(
    wrong: str, server: DevServer, front: Front, tmp_path: Path
) -> None:
    await server.ready("test-0")
    done = _run(
        ["bench", "up", "--engine", "temporal", "--compute", "simulated"],
        _wrong_environment(wrong, OURS, front),
        tmp_path,
    )
    assert done.returncode == 3
    assert _WRONG[wrong][2] in done.stderr
    (sentence,) = [line for line in done.stderr.splitlines() if "Temporal at" in line]
    assert sentence.startswith("NotFit: ")
    assert "Traceback" not in done.stderr


async def test_a_worker_whose_authority_is_wrong_ends_at_once_with_3(
    server: DevServer, front: Front, tmp_path: Path
) -> None:
    done = _run(
        ["temporal_impl.worker", "--role", "cpu"],
        {**_wrong_environment("ca", OURS, front), "CHANGEOVER_COMPUTE": "simulated"},
        tmp_path,
    )
    assert done.returncode == 3
    assert _WRONG["ca"][2] in done.stderr
    assert "trying again" not in done.stderr


async def test_what_contradicts_itself_is_wrong_usage(monkeypatch: pytest.MonkeyPatch) -> None:
    _set(monkeypatch, {f"{OURS}_ADDRESS": "localhost:1", f"{OURS}_TLS_CLIENT_CERT_PATH": "x"})
    with pytest.raises(BadSetting, match="CHANGEOVER_TEMPORAL_TLS_CLIENT_KEY_PATH"):
        named_temporal()


def _run(
    argv: list[str], environment: Mapping[str, str], folder: Path
) -> subprocess.CompletedProcess[str]:
    root = str(Path(__file__).parents[2])
    return subprocess.run(
        [sys.executable, "-m", *argv],
        env={**os.environ, "PYTHONPATH": root, **environment},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
