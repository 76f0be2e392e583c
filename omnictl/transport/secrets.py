"""The two places outside of the environment that hold secrets, asked for real: a command's output, and the keyring."""

import os
import subprocess
import threading
from importlib.util import find_spec

from omnictl.errors import AccessError
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.threads import leaving_signals

COMMAND_SECONDS = 60.0
"""How long a command for credentials may take: some ask a person for a touch."""

MOST_BYTES = 64 * 1024
"""How much it may print; a token has a few thousand characters."""

_REST_SECONDS = 0.5
"""How long what a command printed may be on its way to us when it has ended."""


def run_command(command: tuple[str, ...], *, timeout_seconds: float = COMMAND_SECONDS) -> str:
    """Return what a command prints; no shell, no input. Raises AccessError, which never holds what it printed."""
    why = ""
    try:
        with subprocess.Popen(  # noqa: S603 - allowed by the user, from outside of the files
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as process:
            listener = _Listener(process)
            try:
                process.wait(timeout_seconds)
            except BaseException:
                process.kill()
                raise
        printed = listener.take()
        if len(printed) > MOST_BYTES:
            why = f"printed more than {MOST_BYTES:,} bytes"
        elif process.returncode == 0:
            return printed.decode("utf-8")
        else:
            why = f"ended with code {process.returncode}"
    except OSError as error:
        why = f"could not be run ({error.strerror or 'unknown cause'})"
    except subprocess.TimeoutExpired:
        why = f"did not end within {timeout_seconds:g} seconds"
    except UnicodeDecodeError:
        why = "printed something that is not text"
    raise AccessError(
        Diagnostic(
            "credentials-command-failed",
            Severity.ERROR,
            "The command for the credentials gave none",
            f"{command[0]} {why}.",
            hint="run it yourself to see why",
        )
    )


class _Listener:
    """Reads what a command prints, in a thread of its own: what the command has started may hold the pipe for ever."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        self._process = process
        self._pipe = os.dup(process.stdout.fileno())
        self._printed = b""
        self._thread = threading.Thread(target=self._listen, name="credentials", daemon=True)
        with leaving_signals():
            self._thread.start()

    def _listen(self) -> None:
        try:
            while len(self._printed) <= MOST_BYTES and (part := os.read(self._pipe, MOST_BYTES)):
                self._printed += part
        finally:
            os.close(self._pipe)
        if len(self._printed) > MOST_BYTES:
            self._process.kill()

    def take(self) -> bytes:
        """Return what the command, which has ended, printed; what comes later is from others."""
        self._thread.join(_REST_SECONDS)
        return self._printed


def keyring_get(service: str, user: str) -> str | None:
    """Return an entry of the keyring of the operating system; None where there is none."""
    if find_spec("keyring") is None:
        raise AccessError(_without_keyring())
    try:
        from keyring import get_password  # looks for the store of this system, and may fail in it

        return get_password(service, user)
    except Exception as error:  # noqa: BLE001 - a store raises what it likes, with values of its own in the text
        why = type(error).__name__
    raise AccessError(
        Diagnostic(
            "keyring-unusable",
            Severity.ERROR,
            "The keyring cannot be asked",
            f"The keyring of this system answered {why}.",
            hint="unlock it, or use an environment variable where there is no desktop, as in a pipeline",
        )
    )


def _without_keyring() -> Diagnostic:
    return Diagnostic(
        "keyring-not-installed",
        Severity.ERROR,
        "The keyring is not installed",
        "The credentials are to come from the keyring, which is an optional part of omnictl.",
        hint="install it",
        commands=("pip install 'omnictl[keyring]'",),
    )


CODES = {
    "keyring-not-installed": "The settings name a keyring entry, and the optional part of omnictl for it is not "
    "installed.",
    "keyring-unusable": "The keyring of the system is locked, or there is none. Pipelines have none: use a variable.",
}
