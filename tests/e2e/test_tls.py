"""TLS for real: a certificate of an unknown authority is refused before anything is sent, a named one is believed."""

import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import trustme

from tests.contract.backends.bucket import Bucket, served_bucket
from tests.e2e.running import omnictl


class _Account(BaseHTTPRequestHandler):
    """An empty account that remembers who asked."""

    asked: list[str] = []  # noqa: RUF012 - one for the class, emptied by the fixture

    def do_GET(self) -> None:
        self.asked.append(self.headers["Authorization"])
        content = b'{"scenarios": []}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments: object) -> None: ...


@pytest.fixture
def authority(project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[trustme.CA]:
    """An account behind TLS whose certificate only this authority vouches for."""
    made = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.issue_cert("127.0.0.1").configure_cert(context)
    _Account.asked.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), _Account) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        monkeypatch.setenv("INFOBIP_BASE_URL", f"https://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("INFOBIP_API_KEY", "key")
        monkeypatch.setattr("omnictl.provider.exchange.MOST_TRIES", 1)
        omnictl("init")
        yield made
        server.shutdown()
        thread.join()


def test_an_unknown_authority_is_refused_before_anything_is_sent(authority: trustme.CA) -> None:
    ran = omnictl("plan")
    assert ran.code == 1
    assert "untrusted-certificate" in ran.err
    assert "OMNICTL_CA_FILE" in ran.err
    assert _Account.asked == []


def test_an_authority_named_by_a_variable_is_believed(
    authority: trustme.CA, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority.cert_pem.write_to_path(str(project / "authority.pem"))
    monkeypatch.setenv("OMNICTL_CA_FILE", "authority.pem")
    assert omnictl("plan").code == 0
    assert set(_Account.asked) == {"App key"}


def test_a_path_in_the_settings_is_relative_to_them(
    authority: trustme.CA, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority.cert_pem.write_to_path(str(project / "authority.pem"))
    (project / "omnictl.yaml").write_text(
        "version: 1\nvariables: {sms_sender: X}\nenvironments: {test: {ca_file: authority.pem}}\n"
    )
    (project / "below").mkdir()
    monkeypatch.chdir(project / "below")
    assert omnictl("plan").code == 0


def test_a_certificate_for_another_host_is_refused(
    authority: trustme.CA, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    authority.cert_pem.write_to_path(str(project / "authority.pem"))
    monkeypatch.setenv("OMNICTL_CA_FILE", "authority.pem")
    monkeypatch.setenv("INFOBIP_BASE_URL", os.environ["INFOBIP_BASE_URL"].replace("127.0.0.1", "localhost"))
    ran = omnictl("plan")
    assert "untrusted-certificate" in ran.err
    assert _Account.asked == []


@pytest.mark.parametrize("scheme", ["s3", "https"])
def test_an_authority_of_the_settings_is_believed_for_the_store_of_the_state_too(
    project: Path, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    made = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.issue_cert("127.0.0.1").configure_cert(context)
    made.cert_pem.write_to_path(str(project / "authority.pem"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary0secret")
    monkeypatch.setenv("OMNICTL_STATE_TOKEN", "canary0token")
    with served_bucket(Bucket(), context) as endpoint:
        monkeypatch.setenv(
            "OMNICTL_STATE", f"s3://omni/?endpoint={endpoint}" if scheme == "s3" else f"{endpoint}/omni/"
        )
        assert "no-state" not in omnictl("state", "list").err
        (project / "omnictl.yaml").write_text("version: 1\nenvironments: {test: {ca_file: authority.pem}}\n")
        (project / "below").mkdir()
        monkeypatch.chdir(project / "below")
        assert "no-state" in omnictl("state", "list", "--env", "test").err
