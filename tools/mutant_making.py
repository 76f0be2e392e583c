"""The mutants of a copy of the code: made by mutmut, told by the lines that differ; and those that mypy catches."""

import ast
import difflib
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mutmut.mutation.file_mutation import mutate_file_contents

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
    """One way to break a function. ``key`` is its name for the trampoline, ``was`` and ``now`` are lines."""

    key: str
    module: str
    function: str
    line: int
    was: str
    now: str

    @property
    def mangled(self) -> str:
        """The name of its function under which a trampoline says that it was reached."""
        return self.key.partition("__mutmut_")[0]

    @property
    def text(self) -> tuple[str, str, str, str]:
        """What names a mutant from one day to the next: no line number, no counter."""
        return self.module, self.function, self.was, self.now


def module_of(path: Path) -> str:
    """Return the name of a module as it is said: ``engine.decide`` for omnictl/engine/decide.py."""
    return ".".join(path.with_suffix("").parts[1:])


def path_of(module: str) -> str:
    """Return the path of a module from the root of the repository."""
    return f"omnictl/{module.replace('.', '/')}.py"


def make_mutants(path: Path, copy: Path) -> Iterator[Mutant]:
    """Write all mutants of a module into its copy, where a trampoline chooses one, and return them."""
    source = (copy / path).read_text("utf-8")
    made = mutate_file_contents(str(path), source)
    (copy / path).write_text(made.code, "utf-8")
    starts, lines = _starts(source), made.code.splitlines()
    bodies = {
        name: _from_its_def(lines[span.start - 1 : span.end]) for name, span in made.line_span_by_function_name.items()
    }
    for name in made.mutant_names:
        mangled = name.partition("__mutmut_")[0]
        function = mangled.removeprefix("x_").removeprefix("xǁ").replace("ǁ", ".")
        offset, was, now = _difference(bodies[f"{mangled}__mutmut_orig"], bodies[name])
        module = module_of(path)
        yield Mutant(f"omnictl.{module}.{name}", module, function, starts[function] + offset, was, now)


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


def _from_its_def(lines: Sequence[str]) -> list[str]:
    """Return a function from its ``def`` on, with its own name taken out."""
    start = next(index for index, line in enumerate(lines) if line.lstrip().startswith("def "))
    head = lines[start]
    return [head[: head.index("def ") + 4] + head[head.index("(") :], *lines[start + 1 :]]


def _difference(was: Sequence[str], now: Sequence[str]) -> tuple[int, str, str]:
    """Return at which line two functions differ first, and the lines that do, white space folded."""
    codes = difflib.SequenceMatcher(None, was, now, autojunk=False).get_opcodes()
    changed = [each for each in codes if each[0] != "equal"]
    first, last = changed[0], changed[-1]
    return first[1], _fold(was[first[1] : last[2]]), _fold(now[first[3] : last[4]])


def _fold(lines: Iterable[str]) -> str:
    return " ".join(" ".join(lines).split())


def caught_by_types(modules: Iterable[str], copy: Path) -> set[str]:
    """Return the keys of the mutants that mypy refuses: make lint would not let them pass either."""
    (copy / "mypy.ini").write_text(_TYPES, "utf-8")
    files = [path_of(module) for module in modules]
    command = [sys.executable, "-m", "mypy", "--config-file=mypy.ini", "--output=json", *files]
    done = subprocess.run(command, cwd=copy, capture_output=True, encoding="utf-8", check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(done.stdout + done.stderr)
    functions = {file: _mutated_functions((copy / file).read_text("utf-8")) for file in files}
    caught = set()
    for fault in map(json.loads, done.stdout.splitlines()):
        file, line = fault["file"], fault["line"]
        if fault["severity"] != "error" or fault["code"] in _NOT_FAULTS or file not in functions:
            continue
        name = next((name for start, end, name in functions[file] if start <= line <= end), "_orig")
        if name.endswith("_orig"):
            raise SystemExit(f"mypy finds a fault where no mutant is: {fault}")
        caught.add(f"omnictl.{module_of(Path(file))}.{name}")
    return caught


def _mutated_functions(source: str) -> list[tuple[int, int, str]]:
    """Return first line, last line and name of each function that mutmut wrote."""
    nodes = [each for each in ast.walk(ast.parse(source)) if isinstance(each, ast.FunctionDef)]
    return [(each.lineno, each.end_lineno or 0, each.name) for each in nodes if "__mutmut" in each.name]
