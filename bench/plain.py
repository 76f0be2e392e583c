"""The plain ruler: the usual packages used well. C loader, jsonschema validator built once, asynchronous httpx."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.ruler import Request, Ruler

SCHEMA = Path(__file__).parents[1] / "schema" / "scenario.schema.json"


def _read_files(directory: str) -> dict[str, dict[str, Any]]:
    import yaml
    from jsonschema import Draft202012Validator

    validator = Draft202012Validator(json.loads(SCHEMA.read_text()))
    found = {}
    for path in sorted(Path(directory).iterdir()):
        value = yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader)
        validator.validate(value)
        found[value["id"]] = value
    return found


async def _gather_all(base: str, requests: Sequence[Request], in_flight: int) -> list[bytes]:
    import httpx

    gate = asyncio.Semaphore(in_flight)
    headers = {"Authorization": "App key", "Content-Type": "application/json"}
    async with httpx.AsyncClient(base_url=base, headers=headers, trust_env=False, verify=False) as client:

        async def send(method: str, path: str, body: bytes | None) -> bytes:
            async with gate:
                return (await client.request(method, path, content=body)).content

        return await asyncio.gather(*(send(*each) for each in requests))


def _send_all(base: str, requests: Sequence[Request], in_flight: int) -> list[bytes]:
    return asyncio.run(_gather_all(base, requests, in_flight))


def _dump(value: Any) -> bytes:
    return json.dumps(value).encode()


if __name__ == "__main__":
    Ruler(_read_files, _send_all, json.loads, _dump).run()
