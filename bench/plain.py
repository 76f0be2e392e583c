"""The plain ruler: the usual packages used well. C loader, jsonschema validator built once, asynchronous httpx."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from bench.raw import PAGE, count_changed

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


async def _send_all(base: str, requests: list[tuple[str, str, Any]], in_flight: int) -> list[Any]:
    import httpx

    gate = asyncio.Semaphore(in_flight)
    headers = {"Authorization": "App key"}
    async with httpx.AsyncClient(base_url=base, headers=headers, trust_env=False, verify=False) as client:

        async def send(method: str, target: str, body: Any) -> Any:
            async with gate:
                return (await client.request(method, target, json=body)).json()

        return await asyncio.gather(*(send(*each) for each in requests))


def _read_account(base: str, expected: int) -> dict[str, dict[str, Any]]:
    pages = [("GET", f"/omni/1/scenarios?limit=100&page={page}", None) for page in range(expected // PAGE + 1)]
    answers = asyncio.run(_send_all(base, pages, 10))
    return {row["key"]: row for answer in answers for row in answer["scenarios"]}


def _plan(directory: str, base: str, state_path: str) -> None:
    files = _read_files(directory)
    records = {} if state_path == "-" else json.loads(Path(state_path).read_text())["records"]
    print(f"{count_changed(files, records, _read_account(base, len(records)))} changed")


def _apply(directory: str, base: str, in_flight: int) -> None:
    files = _read_files(directory)
    _read_account(base, 0)
    bodies = [("POST", "/omni/1/scenarios", {"name": v["name"], "flow": v["flow"]}) for v in files.values()]
    answers = asyncio.run(_send_all(base, bodies, in_flight))
    keys = {name: answer["key"] for name, answer in zip(files, answers, strict=True)}
    Path(os.devnull).write_text(json.dumps(keys))
    print(f"{len(keys)} created")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["validate", directory]:
            print(len(_read_files(directory)))
        case ["plan", directory, base, state]:
            _plan(directory, base, state)
        case ["apply", directory, base, in_flight]:
            _apply(directory, base, int(in_flight))
        case _:
            sys.exit("a ruler takes: validate DIR | plan DIR URL STATE | apply DIR URL IN_FLIGHT")
