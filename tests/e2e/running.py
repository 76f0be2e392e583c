"""Running omnictl in this process or as one of its own, and what it said."""

import io
import json
import subprocess
import sys
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from omnictl.cli.boundary import run
from omnictl.cli.main import cli


@dataclass(frozen=True)
class Ran:
    """The end of a run."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


class _Stream(io.TextIOWrapper):
    """A stream in memory with an encoding, like a pipe."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", write_through=True)

    def text(self) -> str:
        content = self.buffer
        assert isinstance(content, io.BytesIO)
        return content.getvalue().decode()


def omnictl(*arguments: str) -> Ran:
    """Run omnictl in this process, without a terminal."""
    out, err = _Stream(), _Stream()
    with (
        redirect_stdout(out),
        redirect_stderr(err),
        patch.object(sys, "stdin", io.StringIO()),
        patch("omnictl.cli.boundary.raise_on_signals"),
        patch("omnictl.cli.signals._numbers", return_value=()),
    ):
        code = run(cli, arguments)
    return Ran(int(code), out.text(), err.text())


def omnictl_process(*arguments: str, environ: Mapping[str, str] | None = None, cwd: str | None = None) -> Ran:
    """Run omnictl as a process of its own."""
    import os

    done = subprocess.run(
        [sys.executable, "-m", "omnictl", *arguments],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **(environ or {})},
        cwd=cwd,
        timeout=60,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)
