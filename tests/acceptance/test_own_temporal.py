"""`changeover up` on a Temporal server of the user's, behind TLS with client certificates."""

import asyncio
from pathlib import Path

import pytest

from tests.acceptance.conftest import start_up, stop
from tests.integration.temporal_cell import DevServer, free_port
from tests.integration.tls_front import tls_front


@pytest.mark.parametrize("prefix", ["CHANGEOVER_TEMPORAL", "TEMPORAL"])
def test_up_serves_jobs_on_a_server_that_wants_tls_and_a_key(tmp_path: Path, prefix: str) -> None:
    server = DevServer(tmp_path, free_port(), ["theirs"])
    server.start()
    try:
        asyncio.run(server.ready("theirs"))
        with tls_front(server.address, tmp_path / "tls") as front:
            served = start_up(
                tmp_path,
                *("--engine", "temporal", "--compute", "simulated"),
                **{
                    f"{prefix}_ADDRESS": front.address,
                    f"{prefix}_NAMESPACE": "theirs",
                    f"{prefix}_API_KEY": "a-key",
                    f"{prefix}_TLS_SERVER_CA_CERT_PATH": str(front.ca),
                    f"{prefix}_TLS_CLIENT_CERT_PATH": str(front.cert),
                    f"{prefix}_TLS_CLIENT_KEY_PATH": str(front.key),
                },
            )
            try:
                assert served.finished(served.submitted(steps=3))["status"] == "succeeded"
                assert not served.processes("start-dev")
            finally:
                assert stop(served) == []
            said = f"{front.address}, namespace theirs ({prefix}_ADDRESS)"
            assert said in served.log.read_text()
    finally:
        server.stop()
