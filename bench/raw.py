"""The raw ruler: the necessary work and nothing else, with the fastest parts there are. No tool, only a floor.

libcurl for requests, the C parser with an own walk that keeps positions, a hand-written check, ``==``, orjson.
"""

import os
import re
from collections.abc import Sequence
from typing import Any

from bench.ruler import Request, Ruler

CHANNELS = {"EMAIL", "KAKAO_ALIM", "KAKAO_CHINGU", "LINE", "PUSH", "SMS", "VIBER", "VKONTAKTE", "VOICE", "WHATSAPP"}
ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


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


def send_all(base: str, requests: Sequence[Request], in_flight: int) -> list[bytes]:
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
            number, (method, path, body) = waiting.pop()
            curl, buffer = free.pop(), BytesIO()
            curl.setopt(pycurl.URL, base + path)
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


def load(text: bytes) -> Any:
    """Parse JSON."""
    import orjson

    return orjson.loads(text)


def dump(value: Any) -> bytes:
    """Write JSON."""
    import orjson

    return orjson.dumps(value)


if __name__ == "__main__":
    Ruler(read_files, send_all, load, dump).run()
