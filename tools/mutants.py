"""``make mutants``: break engine, codec and state in many small ways, and see whether a test or mypy notices.

mutmut makes the mutants (and the trampolines that choose one); here is what is tried, with which tests, and what is said.
"""

import ast
import contextlib
import difflib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

ROOT = Path(__file__).parents[1]
ACCEPTED = ROOT / "tests" / "mutants.toml"
SURVIVORS = ROOT / ".mutants.json"
PACKAGES = ("engine", "state", "codec")
TESTS = ("tests/unit/engine", "tests/unit/codec", "tests/unit/state", "tests/unit/operations", "tests/golden")
TOO_SLOW = ("tests/unit/codec/test_hostile.py::test_any_field_may_be_anything",)
"""Hundreds of examples for each mutant: what they find, the other tests have to find too."""

COPIED = ("omnictl", "tests", "tools", "schema", "docs", "examples", "pyproject.toml", "Makefile", "README.md")
MINUTES = 40.0
"""How long a run takes at most, where nothing else is said."""

USAGE = "MUTANTS is a number of minutes, modules (engine.decide state.*), or again: the survivors of the last run"

_TYPES = """\
[mypy]
strict = true
warn_unused_ignores = false
enable_error_code = exhaustive-match
"""
"""As make lint has it, without what finds the form of a mutant and not its fault: ``x and False`` is unreachable."""

_NOT_FAULTS = {"no-redef", "has-type", "var-annotated"}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One way to break a function. ``key`` names it for the trampoline, ``was`` and ``now`` are the lines that differ."""

    key: str
    module: str
    function: str
    line: int
    was: str
    now: str

    @property
    def covered_by(self) -> str:
        """The name under which a trampoline says that it was reached."""
        return self.key.partition("__mutmut_")[0]

    @property
    def text(self) -> tuple[str, str, str, str]:
        """What names a mutant from one day to the next: no line number, no counter."""
        return self.module, self.function, self.was, self.now


def main() -> int:
    """Try the mutants that the arguments choose; 1 if one survives that is not accepted."""
    chosen, minutes, again = _read_arguments(sys.argv[1:])
    os.environ["CI"] = "1"  # hypothesis tries the same examples each time
    os.chdir(ROOT)
    last = {tuple(each) for each in json.loads(SURVIVORS.read_text("utf-8"))} if again else set()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutants-") as made:
        copy = Path(made).resolve()
        _copy(copy)
        mutants = [each for path in _sources() if chosen(path) for each in _break(path, copy)]
        typed = _caught_by_types(mutants, copy)
        tried = [each for each in mutants if each.key not in typed and (not again or each.text in last)]
        if minutes is not None:
            random.Random(0).shuffle(tried)  # a sample of all of them, the same each time
        print(f"{len(mutants)} mutants, {len(typed)} caught by mypy ({_since(began)})", flush=True)
        ends = began + 60 * (MINUTES if minutes is None else minutes)
        verdicts = _run(tried, ends, copy)
        os.chdir(ROOT)
    print(f"\n{len(verdicts)} of {len(tried)} tried ({_since(began)})")
    return _report([each for each in mutants if not again or each.text in last], typed, verdicts)


def _since(began: float) -> str:
    return f"{time.monotonic() - began:.0f} s"


def _read_arguments(words: Sequence[str]):
    if words == ["again"]:
        if not SURVIVORS.exists():
            raise SystemExit("there is no last run")
        return (lambda path: True), None, True
    with contextlib.suppress(ValueError, IndexError):
        return (lambda path: True), float(words[0]), False
    unknown = [word for word in words if not any(fnmatchcase(_module(path), word) for path in _sources())]
    if unknown:
        raise SystemExit(f"no module is named {', '.join(unknown)}. {USAGE}")
    return (lambda path: not words or any(fnmatchcase(_module(path), word) for word in words)), None, False


def _module(path: Path) -> str:
    return ".".join(path.with_suffix("").parts[1:])


def _sources() -> Iterable[Path]:
    """Return the modules that are broken, relative to the repository, in the order in which they are tried."""
    for package in PACKAGES:
        yield from sorted(path.relative_to(ROOT) for path in (ROOT / "omnictl" / package).glob("*.py"))


def _copy(copy: Path) -> None:
    """Copy what the tests need, so that no file of the repository is ever broken."""
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(ROOT / name, copy / name)


def _break(path: Path, copy: Path) -> Iterable[Mutant]:
    """Write all mutants of a module into its copy, where a trampoline chooses one, and return them."""
    from mutmut.mutation.file_mutation import mutate_file_contents

    source = (ROOT / path).read_text("utf-8")
    broken = mutate_file_contents(str(path), source)
    (copy / path).write_text(broken.code, "utf-8")
    starts, lines = _starts(source), broken.code.splitlines()
    spans = {
        name: _without_head(lines[span.start - 1 : span.end])
        for name, span in broken.line_span_by_function_name.items()
    }
    for name in broken.mutant_names:
        mangled = name.partition("__mutmut_")[0]
        function = mangled.removeprefix("x_").removeprefix("xǁ").replace("ǁ", ".")
        offset, was, now = _difference(spans[f"{mangled}__mutmut_orig"], spans[name])
        yield Mutant(f"omnictl.{_module(path)}.{name}", _module(path), function, starts[function] + offset, was, now)


def _starts(source: str) -> Mapping[str, int]:
    """Return the line of each ``def``."""
    found = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef):
            found[node.name] = node.lineno
        elif isinstance(node, ast.ClassDef):
            found |= {
                f"{node.name}.{each.name}": each.lineno for each in node.body if isinstance(each, ast.FunctionDef)
            }
    return found


def _without_head(lines: Sequence[str]) -> list[str]:
    """Return a function from its ``def`` on, with its own name taken out."""
    start = next(index for index, line in enumerate(lines) if line.lstrip().startswith("def "))
    head = lines[start]
    return [head[: head.index("def ") + 4] + head[head.index("(") :], *lines[start + 1 :]]


def _difference(was: Sequence[str], now: Sequence[str]) -> tuple[int, str, str]:
    """Return where two functions differ first, and the lines that do, each run of white space as one space."""
    blocks = [
        each for each in difflib.SequenceMatcher(None, was, now, autojunk=False).get_opcodes() if each[0] != "equal"
    ]
    lines = [
        " ".join(" ".join(text[start:end]).split())
        for text, start, end in ((was, blocks[0][1], blocks[-1][2]), (now, blocks[0][3], blocks[-1][4]))
    ]
    return blocks[0][1], lines[0], lines[1]


def _caught_by_types(mutants: Sequence[Mutant], copy: Path) -> set[str]:
    """Return the keys of the mutants that mypy refuses: make test would not let them pass either."""
    (copy / "mypy.ini").write_text(_TYPES, "utf-8")
    modules = sorted({each.module for each in mutants})
    files = [f"omnictl/{module.replace('.', '/')}.py" for module in modules]
    command = [sys.executable, "-m", "mypy", "--config-file=mypy.ini", "--output=json", *files]
    done = subprocess.run(command, cwd=copy, capture_output=True, encoding="utf-8", check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(done.stdout + done.stderr)
    caught = set()
    names = {file: _functions((copy / file).read_text("utf-8")) for file in files}
    for fault in map(json.loads, done.stdout.splitlines()):
        if fault["severity"] == "error" and fault["code"] not in _NOT_FAULTS and fault["file"] in names:
            name = next((name for start, end, name in names[fault["file"]] if start <= fault["line"] <= end), None)
            if name is None or name.endswith("_orig"):
                raise SystemExit(f"mypy finds a fault where no mutant is: {fault}")
            caught.add(f"omnictl.{_module(Path(fault['file']))}.{name}")
    return caught


def _functions(source: str) -> list[tuple[int, int, str]]:
    nodes = [each for each in ast.walk(ast.parse(source)) if isinstance(each, ast.FunctionDef)]
    return [(each.lineno, each.end_lineno or 0, each.name) for each in nodes if "__mutmut" in each.name]


def _run(tried: Sequence[Mutant], ends: float, copy: Path) -> Mapping[str, str]:
    """Run the tests of the copy on the mutants, in this process, and return what became of each."""
    sys.path[:] = [str(copy), *(each for each in sys.path if Path(each).resolve() != ROOT)]
    os.chdir(copy)
    import pytest

    from tools.mutant_trials import Trials

    trials = Trials([(each.key, each.covered_by) for each in tried], ends)
    options = [
        "-p",
        "no:terminal",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        "-o",
        "timeout=0",
        "-o",
        "addopts=",
        "--import-mode=importlib",
    ]
    sockets = ["--disable-socket", "--allow-hosts=127.0.0.1,localhost,::1", "--allow-unix-socket"]
    skipped = [f"--deselect={each}" for each in TOO_SLOW]
    code = pytest.main([*options, *sockets, *skipped, *TESTS], plugins=[trials])
    if code != 0:
        raise SystemExit(f"the tests fail without any mutant: {code}")
    return trials.verdicts


def _report(mutants: Sequence[Mutant], typed: set[str], verdicts: Mapping[str, str]) -> int:
    accepted = {
        (each["module"], each["function"], each["was"], each["now"]): each["reason"]
        for each in tomllib.loads(ACCEPTED.read_text("utf-8")).get("accepted", [])
    }
    alive = [each for each in mutants if verdicts.get(each.key) == "survived"]
    new = [each for each in alive if each.text not in accepted]
    for each in new:
        path = f"omnictl/{each.module.replace('.', '/')}.py"
        print(f"\n{path}:{each.line} in {each.function}\n  - {each.was}\n  + {each.now}")
    _print_scores(mutants, typed, verdicts, {each.key for each in new})
    _print_needless(mutants, verdicts, accepted)
    SURVIVORS.write_text(json.dumps([each.text for each in new]), "utf-8")
    print(f"\n{len(new)} survivors" if new else "\nno survivor but the accepted ones")
    return 1 if new else 0


def _print_scores(mutants: Sequence[Mutant], typed: set[str], verdicts: Mapping[str, str], new: set[str]) -> None:
    print(
        f"\n{'module':20}{'mutants':>9}{'types':>8}{'tests':>8}{'time-out':>10}{'accepted':>10}{'survive':>9}{'not tried':>11}{'score':>8}"
    )
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for each in mutants:
        verdict = "types" if each.key in typed else verdicts.get(each.key, "untried")
        if verdict == "survived" and each.key not in new:
            verdict = "accepted"
        for row in (each.module, "together"):
            counts[row][verdict] += 1
    for row in [*(each for each in counts if each != "together"), "together"]:
        found = counts[row]
        dead = found["types"] + found["killed"] + found["timeout"]
        judged = dead + found["survived"]
        score = f"{100 * dead / judged:.1f} %" if judged else "–"
        print(
            f"{row:20}{sum(found.values()):9}{found['types']:8}{found['killed']:8}{found['timeout']:10}"
            f"{found['accepted']:10}{found['survived']:9}{found['untried']:11}{score:>8}"
        )


def _print_needless(
    mutants: Sequence[Mutant], verdicts: Mapping[str, str], accepted: Mapping[tuple[str, ...], str]
) -> None:
    """Name the accepted survivors that are none: killed by now, or their line is gone."""
    modules = {each.module for each in mutants}
    needed = {each.text for each in mutants if verdicts.get(each.key) in (None, "survived")}
    for entry in accepted:
        if entry[0] in modules and entry not in needed:
            print(f"\naccepted, but no survivor: {entry[0]}, {entry[1]}: {entry[2]} → {entry[3]}")


if __name__ == "__main__":
    sys.exit(main())
