"""The tuned ruler: the raw one with ``httpx.Client`` and threads in the place of libcurl."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from bench.raw import dump, load, read_files
from bench.ruler import Request, Ruler


def _send_all(base: str, requests: Sequence[Request], in_flight: int) -> list[bytes]:
    import httpx

    headers = {"Authorization": "App key", "Content-Type": "application/json"}
    limits = httpx.Limits(max_connections=in_flight, max_keepalive_connections=in_flight)
    with (
        httpx.Client(base_url=base, headers=headers, limits=limits, trust_env=False, verify=False) as client,
        ThreadPoolExecutor(in_flight) as pool,
    ):
        return list(pool.map(lambda each: client.request(each[0], each[1], content=each[2]).content, requests))


if __name__ == "__main__":
    Ruler(read_files, _send_all, load, dump).run()
