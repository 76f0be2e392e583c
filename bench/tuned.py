"""The tuned ruler: the raw one with ``httpx.Client`` and threads in the place of libcurl."""

import os
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from bench.raw import PAGE, count_changed, read_files, read_records


def _send_all(base: str, requests: Sequence[tuple[str, str, bytes | None]], in_flight: int) -> list[bytes]:
    import httpx

    headers = {"Authorization": "App key", "Content-Type": "application/json"}
    limits = httpx.Limits(max_connections=in_flight, max_keepalive_connections=in_flight)
    with (
        httpx.Client(base_url=base, headers=headers, limits=limits, trust_env=False, verify=False) as client,
        ThreadPoolExecutor(in_flight) as pool,
    ):
        return list(pool.map(lambda each: client.request(each[0], each[1], content=each[2]).content, requests))


def _read_account(base: str, expected: int) -> dict[str, dict[str, Any]]:
    import orjson

    pages = [("GET", f"/omni/1/scenarios?limit=100&page={page}", None) for page in range(expected // PAGE + 1)]
    rows = [row for body in _send_all(base, pages, 10) for row in orjson.loads(body)["scenarios"]]
    return {row["key"]: row for row in rows}


def _plan(directory: str, base: str, state_path: str) -> None:
    files, records = read_files(directory), read_records(state_path)
    print(f"{count_changed(files, records, _read_account(base, len(records)))} changed")


def _apply(directory: str, base: str, in_flight: int) -> None:
    import orjson

    files = read_files(directory)
    _read_account(base, 0)
    bodies = [
        ("POST", "/omni/1/scenarios", orjson.dumps({"name": v["name"], "flow": v["flow"]})) for v in files.values()
    ]
    answers = _send_all(base, bodies, in_flight)
    keys = {name: orjson.loads(answer)["key"] for name, answer in zip(files, answers, strict=True)}
    with open(os.devnull, "wb") as file:
        file.write(orjson.dumps(keys))
    print(f"{len(keys)} created")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["validate", directory]:
            print(len(read_files(directory)))
        case ["plan", directory, base, state]:
            _plan(directory, base, state)
        case ["apply", directory, base, in_flight]:
            _apply(directory, base, int(in_flight))
        case _:
            sys.exit("a ruler takes: validate DIR | plan DIR URL STATE | apply DIR URL IN_FLIGHT")
