"""The raw ruler: the necessary work and nothing else, with the fastest parts there are. No tool, only a floor.

libcurl for requests, the C parser with an own walk that keeps positions, a hand-written check, ``==``, orjson.
"""

import os
import re
import sys
from collections.abc import Sequence
from typing import Any

CHANNELS = {"EMAIL", "KAKAO_ALIM", "KAKAO_CHINGU", "LINE", "PUSH", "SMS", "VIBER", "VKONTAKTE", "VOICE", "WHATSAPP"}
ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
PAGE = 100


def read_files(directory: str) -> dict[str, dict[str, Any]]:
    """Read every file: values with the position of each, checked by hand."""
    import yaml

    found: dict[str, dict[str, Any]] = {}
    for entry in sorted(os.scandir(directory), key=lambda each: each.name):
        with open(entry.path, "rb") as file:
            node = yaml.compose(file.read(), Loader=yaml.CSafeLoader)
        positions: dict[str, tuple[int, int]] = {}
        value = _walk(node, "", positions)
        assert ID.fullmatch(value["id"])
        assert isinstance(value["name"], str)
        assert value["flow"]
        assert all(step["channel"] in CHANNELS for step in value["flow"])
        found[value["id"]] = value
    return found


def _walk(node: Any, path: str, positions: dict[str, tuple[int, int]]) -> Any:
    mark = node.start_mark
    positions[path] = (mark.line, mark.column)
    if node.id == "scalar":
        return node.value
    if node.id == "sequence":
        return [_walk(each, f"{path}[{i}]", positions) for i, each in enumerate(node.value)]
    return {key.value: _walk(value, f"{path}.{key.value}", positions) for key, value in node.value}


def send_all(requests: Sequence[tuple[str, str, bytes | None]], in_flight: int) -> list[bytes]:
    """Send requests with so many in flight; returns the bodies in their order."""
    from io import BytesIO

    import pycurl

    multi = pycurl.CurlMulti()
    bodies: list[bytes] = [b""] * len(requests)
    free = [pycurl.Curl() for _ in range(min(in_flight, len(requests)))]
    waiting = list(enumerate(requests))[::-1]
    open_ones: dict[Any, tuple[int, BytesIO]] = {}
    headers = ["Authorization: App key", "Content-Type: application/json", "Expect:"]
    while waiting or open_ones:
        while waiting and free:
            number, (method, url, body) = waiting.pop()
            curl, buffer = free.pop(), BytesIO()
            curl.setopt(pycurl.URL, url)
            curl.setopt(pycurl.WRITEDATA, buffer)
            curl.setopt(pycurl.HTTPHEADER, headers)
            if body is not None:
                curl.setopt(pycurl.CUSTOMREQUEST, method)
                curl.setopt(pycurl.POSTFIELDS, body)
            multi.add_handle(curl)
            open_ones[curl] = (number, buffer)
        multi.perform()
        multi.select(0.1)
        multi.perform()
        _, done, failed = multi.info_read()
        assert not failed, failed
        for curl in done:
            number, buffer = open_ones.pop(curl)
            bodies[number] = buffer.getvalue()
            multi.remove_handle(curl)
            free.append(curl)
    return bodies


def read_account(base: str, expected: int) -> dict[str, dict[str, Any]]:
    """Read every page, as many at once as the count of the state says."""
    import orjson

    pages = [("GET", f"{base}/omni/1/scenarios?limit=100&page={page}", None) for page in range(expected // PAGE + 1)]
    rows = [row for body in send_all(pages, 10) for row in orjson.loads(body)["scenarios"]]
    return {row["key"]: row for row in rows}


def read_records(state_path: str) -> dict[str, Any]:
    """Read the records of a state; "-" has none."""
    import orjson

    if state_path == "-":
        return {}
    with open(state_path, "rb") as file:
        records: dict[str, Any] = orjson.loads(file.read())["records"]
    return records


def count_changed(files: dict[str, dict[str, Any]], records: dict[str, Any], remotes: dict[str, dict[str, Any]]) -> int:
    """Count the scenarios that differ from the account, and those that it does not have."""
    changed = 0
    for name, value in files.items():
        remote = remotes.get(records[name]["key"]) if name in records else None
        changed += remote is None or (remote["name"], remote["flow"]) != (value["name"], value["flow"])
    return changed


def plan(directory: str, base: str, state_path: str) -> None:
    """Compare files, state and account."""
    files, records = read_files(directory), read_records(state_path)
    print(f"{count_changed(files, records, read_account(base, len(records)))} changed")


def apply(directory: str, base: str, in_flight: int) -> None:
    """Create everything, and write the keys down."""
    import orjson

    files = read_files(directory)
    read_account(base, 0)
    url = f"{base}/omni/1/scenarios"
    bodies = [("POST", url, orjson.dumps({"name": v["name"], "flow": v["flow"]})) for v in files.values()]
    answers = send_all(bodies, in_flight)
    keys = {name: orjson.loads(answer)["key"] for name, answer in zip(files, answers, strict=True)}
    with open(os.devnull, "wb") as file:
        file.write(orjson.dumps(keys))
    print(f"{len(keys)} created")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["validate", directory]:
            print(len(read_files(directory)))
        case ["plan", directory, base, state]:
            plan(directory, base, state)
        case ["apply", directory, base, in_flight]:
            apply(directory, base, int(in_flight))
        case _:
            sys.exit("a ruler takes: validate DIR | plan DIR URL STATE | apply DIR URL IN_FLIGHT")
