"""A served sandbox for the tests that need a real connection."""

import threading
from collections.abc import Callable, Iterator

import pytest

from omnictl.sandbox.app import Options, make_app
from omnictl.sandbox.server import serve


@pytest.fixture
def serve_sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Options], str]]:
    """Serve sandboxes on free ports; each call returns a base URL, and names it in the environment."""
    stop = threading.Event()
    threads: list[threading.Thread] = []

    def start(options: Options) -> str:
        ready, found = threading.Event(), list[str]()

        def on_ready(url: str) -> None:
            found.append(url)
            ready.set()

        app = make_app(None, options=options)
        settings = {"on_ready": on_ready, "stop": stop}
        thread = threading.Thread(target=serve, args=(app, "127.0.0.1", 0), kwargs=settings, daemon=True)
        thread.start()
        threads.append(thread)
        assert ready.wait(5)
        monkeypatch.setenv("INFOBIP_BASE_URL", found[0])
        monkeypatch.setenv("INFOBIP_API_KEY", "key")
        return found[0]

    yield start
    stop.set()
    for thread in threads:
        thread.join(5)
