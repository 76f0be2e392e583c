"""``python -m omnictl`` and the console script: what must be in order before anything that takes time is loaded."""

import os
import signal


def main() -> None:
    """Run omnictl and end the process with its exit code."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # while all else is loaded Ctrl-C ends, without a traceback
    _open_missing_streams()
    from omnictl.cli.main import main as run

    run()


def _open_missing_streams() -> None:
    """Where a standard stream was closed (``>&-``) the first file to be opened would take its place."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


if __name__ == "__main__":
    main()
