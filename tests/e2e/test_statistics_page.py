"""The page of statistics in a real browser: nothing in it runs, no request leaves, and it fits a phone."""

import html
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import pytest

from omnictl.engine.statistics import count_stories
from omnictl.render.statistics_html import render_statistics_html
from tests.reporting import example_statistics, hostile_stories

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

pytestmark = pytest.mark.skipif(BROWSER is None, reason="there is no Chromium on the path")

_FORBIDDEN = """<title>a page</title><script>document.title = 'hacked'</script><img src="http://canary.example/x">"""
_MEASURE = """<iframe width="400" height="600" srcdoc="{page}"></iframe><script>
onload = () => {{ const page = document.querySelector("iframe").contentDocument.documentElement;
  document.title = `${{page.scrollWidth}} of ${{page.clientWidth}}`; }}</script>"""


class _Proxy(BaseHTTPRequestHandler):
    """Writes down what a browser asks for, and answers with nothing."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_CONNECT = do_GET  # noqa: N815

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def asked() -> Iterator[tuple[list[str], int]]:
    """Run a proxy; give what it was asked for, and its port."""
    _Proxy.asked.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Proxy)
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield _Proxy.asked, server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def show(page: str, tmp_path: Path, port: int) -> str:
    """Open a page and return the document as the browser has it after loading."""
    assert BROWSER is not None
    file = tmp_path / "page.html"
    file.write_text(page, encoding="utf-8")
    options = [
        *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"),
        *("--disable-dev-shm-usage", "--disable-component-update", "--disable-sync", "--disable-extensions"),
        *(f"--proxy-server=http://127.0.0.1:{port}", f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom"),
    ]
    ran = subprocess.run(
        [BROWSER, *options, file.as_uri()],
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=True,
        env={"HOME": str(tmp_path), "PATH": os.environ["PATH"]},
    )
    return ran.stdout


def title_of(document: str) -> str:
    found = re.search(r"<title>([^<]*)</title>", document)
    assert found is not None
    return html.unescape(found[1])


def test_nothing_runs_and_no_request_leaves(tmp_path: Path, asked: tuple[list[str], int]) -> None:
    requests, port = asked
    page = render_statistics_html(count_stories(hostile_stories()), environment="<script>document.title='hacked'")
    document = show(page, tmp_path, port)
    assert title_of(document) == title_of(page)
    assert document.count("<svg") == page.count("<svg")
    assert "<script" not in document
    assert "<img" not in document
    assert [each for each in requests if "canary" in each] == []


def test_the_same_check_sees_a_page_that_runs_and_loads(tmp_path: Path, asked: tuple[list[str], int]) -> None:
    requests, port = asked
    assert title_of(show(_FORBIDDEN, tmp_path, port)) == "hacked"
    assert [each for each in requests if "canary" in each] == ["http://canary.example/x"]


def test_the_page_fits_a_phone(tmp_path: Path, asked: tuple[list[str], int]) -> None:
    for statistics in (example_statistics(), count_stories(hostile_stories())):
        page = render_statistics_html(statistics, environment="production")
        told = title_of(show("<title></title>" + _MEASURE.format(page=html.escape(page)), tmp_path, asked[1]))
        width, room = map(int, told.split(" of "))
        assert 300 < room <= 400
        assert width <= room
