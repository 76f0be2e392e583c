"""Running commands in a copy of an example, and making their output the same in every run."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

EXAMPLES = Path(__file__).parents[1] / "examples" / "scenarios"

_SETTINGS = "omnictl.yaml"
_ENVIRONMENT = re.compile(r"^  ([a-z0-9_-]+):", re.MULTILINE)
_CHANGING: tuple[tuple[str, str], ...] = (
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "2026-01-15T09:30:00Z"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ", "2026-01-15 09:30:00Z"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d(?!:)", "2026-01-15 09:30"),
    (r"(?<![\dT-])\d\d:\d\d:\d\dZ", "09:30:00Z"),
    (r"(?<![\d:T])\d\d:\d\dZ", "09:30Z"),
    (r"http://127\.0\.0\.1:\d+", "http://127.0.0.1:8080"),
    (r"Python 3\.\d+\.\w+, \w+", "Python 3.11.9, Linux"),
    (r"\bpid \d+", "pid 4711"),
    (r"\b[0-9a-f]{32}\b", "5f0c2c1e9d7b4a3680e1f2a3b4c5d6e7"),
    (r"sha256:[0-9a-f]{64}", "sha256:…"),
    (r"in \d+(\.\d+)? (ms|s)\b", "in 0.1 s"),
    (r"(\bserial |\"serial\": )[1-9]\d*", r"\g<1>5"),  # writes are grouped by time, so their number differs
    (r"\b[0-9a-f]{16}\b", "5f0c2c1e9d7b4a36"),
    (r"\blineage [0-9a-f]{8}\b", "lineage 5f0c2c1e"),
    (r"\bplan [0-9a-f]{4}\b", "plan 5f0c"),
    (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "50c24400-124f-4678-9f4b-309e994a4deb"),
    (r"(?<!key )\b[0-9a-f]{4}…[0-9a-f]{4}\b", "50c2…4deb"),
    (r"\b([Rr]un|--resume) [0-9a-f]{8}\b", r"\g<1> 7d1f0a2b"),
    (r"\b(after|within) \d+(\.\d+)? (ms|s)\b", r"\g<1> 0.2 s"),
)
_KEYS = tuple(seed * 4 for seed in ("CD26A1F0", "9A41B7CE", "3F0E58D2", "71C4E96B", "E85D20A7", "06BF93D1"))


def run_lines(example: str, lines: Sequence[str]) -> str:
    """Return a console session: each line and what it prints, stdout and stderr together.

    ``@LINE`` runs and is not shown; ``~LINE`` is a server, stopped after its first line.
    """
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made).resolve() / "messaging"
        if example == "empty":
            folder.mkdir()
        else:
            shutil.copytree(EXAMPLES / example, folder)
        sessions = [_session(line.strip(), folder) for line in lines if line.strip()]
        return _settle("\n".join(filter(None, sessions)), folder)


def _session(line: str, folder: Path) -> str:
    kind, command = (line[0], line[1:].strip()) if line[0] in "@~" else ("", line)
    if kind == "~":
        return f"$ {command}\n{_first_line(command, folder)}"
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        env=_environ(folder),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=60,
        check=False,
    )
    printed = done.stdout.decode("utf-8")
    if kind == "@":
        if done.returncode:
            raise RuntimeError(f"{command} ended with {done.returncode}: {printed}")
        return ""
    ended = f"# exit code {done.returncode}\n" if done.returncode else ""
    return f"$ {command}\n{printed}{'' if printed.endswith(chr(10)) or not printed else chr(10)}{ended}"


def _first_line(command: str, folder: Path) -> str:
    server = subprocess.Popen(
        ["sh", "-c", f"exec {command}"],
        cwd=folder,
        env=_environ(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        return server.stdout.readline() if server.stdout else ""
    finally:
        server.terminate()
        server.communicate(timeout=20)


def _environ(folder: Path) -> dict[str, str]:
    """Return an environment with nothing of the user's, so that the output is the same everywhere."""
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    kept = {name: value for name, value in os.environ.items() if name.startswith(("COVERAGE_", "SYSTEMROOT", "COV_"))}
    return {**kept, "PATH": path, "HOME": str(folder.parent), "LANG": "C.UTF-8", "PYTHONUTF8": "1"}


def _settle(text: str, folder: Path) -> str:
    """Replace what differs from run to run: keys, times, process ids, ports, the folder."""
    text = text.replace(str(folder), "~/messaging")
    for pattern, instead in _CHANGING:
        text = re.sub(pattern, instead, text)
    found = re.findall(r"\b[0-9A-F]{32}\b|[0-9A-F]{4}…[0-9A-F]{4}", text)
    keys = dict.fromkeys(f"{key[:4]}…{key[-4:]}" for key in found)
    for short, instead in zip(keys, _KEYS, strict=False):
        text = re.sub(rf"\b{short[:4]}[0-9A-F]{{24}}{short[-4:]}\b", instead, text)
        text = text.replace(short, f"{instead[:4]}…{instead[-4:]}")
    return re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE)


def read_plans() -> Iterator[tuple[Path, str]]:
    """Return the file of each plan of each example with what it should hold: ``plan.txt``, or one an environment."""
    for example in sorted(each for each in EXAMPLES.iterdir() if each.is_dir()):
        names = find_environments(example)
        for name in names or ("",):
            chosen = f" --env {name}" if name else ""
            file = f"plan-{name}.txt" if name else "plan.txt"
            yield example / file, run_lines(example.name, [f"omnictl plan --sandbox{chosen}"])


def find_environments(example: Path) -> tuple[str, ...]:
    """Return the environments that an example names; none where it has no settings."""
    if not (example / _SETTINGS).is_file():
        return ()
    text = (example / _SETTINGS).read_text(encoding="utf-8").partition("\nenvironments:\n")[2]
    return tuple(_ENVIRONMENT.findall(re.split(r"^\S", text, maxsplit=1, flags=re.MULTILINE)[0]))
