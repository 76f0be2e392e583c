"""``make mutants``: break engine, codec and state in many small ways, and see whether mypy or a test notices.

Of a survivor the lines are printed; it is killed by a better test, or by taking needless code out, or it is named in
tests/mutants.toml with the reason why nothing can kill it.
"""

import json
import os
import random
import shutil
import sys
import tempfile
import time
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import chain
from pathlib import Path

from tools.mutant_making import Mutant, caught_by_types, make_mutants, module_of, path_of

ROOT = Path(__file__).parents[1]
ACCEPTED = ROOT / "tests" / "mutants.toml"
SURVIVORS = ROOT / ".mutants.json"
DOCUMENTS = ("codec_words", "events", "plan_documents", "reports")
TESTS = {
    "engine": (
        "tests/unit/engine",
        "tests/unit/state/test_surgery.py",
        "tests/golden/test_engine_words.py",
        "tests/golden/test_surgery_words.py",
    ),
    "state": ("tests/unit/state", "tests/golden/test_state_words.py"),
    "durable": ("tests/unit/state",),
    "codec": ("tests/unit/codec", *(f"tests/golden/test_{each}.py" for each in DOCUMENTS)),
}
"""The packages, or single modules, that are broken, and the tests that have to notice: not all that reach them."""

TOO_SLOW = ("tests/unit/codec/test_hostile.py::test_any_field_may_be_anything",)
"""Hundreds of examples for each mutant: what they find, the other tests have to find too."""

COPIED = ("omnictl", "tests", "tools", "schema", "docs", "examples", "pyproject.toml", "Makefile", "README.md")
MINUTES = 80.0
"""How long a run takes at most, where nothing else is said."""

USAGE = "MUTANTS is a number of minutes, modules (engine.decide 'state.*'), or again: the survivors of the last run"
COLUMNS = ("mutants", "types", "tests", "time-out", "accepted", "survive", "not tried", "score")


@dataclass(frozen=True, slots=True)
class Choice:
    """Which mutants are tried, and for how long."""

    modules: tuple[str, ...] = ("*",)
    minutes: float = MINUTES
    sample: bool = False
    again: frozenset[tuple[str, ...]] | None = None

    def takes(self, mutant: Mutant) -> bool:
        """Tell whether a mutant is one of those."""
        return self.again is None or mutant.text in self.again


def main() -> int:
    """Try the mutants that the arguments choose; 1 if one survives that is not accepted, or time was too short.

    Who gives a number of minutes asks for a sample, and is told how many were not tried.
    """
    choice = _choose(sys.argv[1:])
    os.environ["CI"] = "1"  # hypothesis tries the same examples each time
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutants-") as made:
        copy = Path(made).resolve()
        _copy_to(copy)
        paths = [each for each in _sources() if any(fnmatchcase(module_of(each), word) for word in choice.modules)]
        mutants = [each for path in paths for each in make_mutants(path, copy)]
        typed = caught_by_types(map(module_of, paths), copy)
        print(f"{len(mutants)} mutants, {len(typed)} caught by mypy ({_since(began)})", flush=True)
        tried = [each for each in mutants if each.key not in typed and choice.takes(each)]
        if choice.sample:
            random.Random(0).shuffle(tried)
        verdicts = _run(tried, began + 60 * choice.minutes, copy)
        os.chdir(ROOT)
    left = len(tried) - len(verdicts)
    print(f"\n{len(verdicts)} of {len(tried)} tried ({_since(began)})")
    verdicts |= dict.fromkeys(typed, "types")
    code = _report([each for each in mutants if choice.takes(each)], verdicts)
    if left:
        print(f"{left} were not tried: the time was up, so nothing is said of them")
    return code or (1 if left and not choice.sample else 0)


def _since(began: float) -> str:
    return f"{time.monotonic() - began:.0f} s"


def _choose(words: Sequence[str]) -> Choice:
    if not words:
        return Choice()
    if words == ["again"]:
        if not SURVIVORS.exists():
            raise SystemExit("there is no last run")
        last = [tuple(each) for each in json.loads(SURVIVORS.read_text("utf-8"))]
        return Choice(tuple({each[0] for each in last}), again=frozenset(last))
    if len(words) == 1 and words[0].replace(".", "", 1).isdecimal():
        return Choice(minutes=float(words[0]), sample=True)
    modules = [module_of(each) for each in _sources()]
    unknown = [word for word in words if not any(fnmatchcase(each, word) for each in modules)]
    if unknown:
        raise SystemExit(f"no module is named {', '.join(unknown)}. {USAGE}")
    return Choice(tuple(words))


def _sources() -> Iterator[Path]:
    """Return the modules that are broken, from the root of the repository, in the order in which they are tried."""
    for package in TESTS:
        single = ROOT / "omnictl" / f"{package}.py"
        paths = [single] if single.exists() else (ROOT / "omnictl" / package).glob("*.py")
        yield from sorted(path.relative_to(ROOT) for path in paths)


def _copy_to(copy: Path) -> None:
    """Copy what the tests need, so that no file of the repository is ever broken."""
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(ROOT / name, copy / name)


def _run(tried: Sequence[Mutant], ends: float, copy: Path) -> dict[str, str]:
    """Run the tests of the copy on the mutants, in this process, and return what became of each."""
    sys.path[:] = [str(copy), *(each for each in sys.path if Path(each).resolve() != ROOT)]
    os.chdir(copy)
    import pytest

    from tools.mutant_trials import Trials

    tests = {each.key: TESTS[each.module.partition(".")[0]] for each in tried}
    trials = Trials([(each.key, each.mangled, tests[each.key]) for each in tried], ends)
    options = ("-p", "no:terminal", "-p", "no:cacheprovider", "-p", "no:xdist", "-o", "timeout=0", "-o", "addopts=")
    strict = ("--import-mode=importlib", "--disable-socket", "--allow-hosts=127.0.0.1", "--allow-unix-socket")
    skipped = [f"--deselect={each}" for each in TOO_SLOW]
    if code := pytest.main([*options, *strict, *skipped, *sorted({*chain(*tests.values())})], plugins=[trials]):
        raise SystemExit(f"the tests fail without any mutant: {code}")
    if trials.is_broken:
        raise SystemExit("no mutant was tried")
    return trials.verdicts


def _report(mutants: Sequence[Mutant], verdicts: Mapping[str, str]) -> int:
    entries = tomllib.loads(ACCEPTED.read_text("utf-8"))["accepted"]
    accepted = {(each["module"], each["function"], each["was"], each["now"]) for each in entries}
    alive = [each for each in mutants if verdicts.get(each.key) == "survive"]
    new = [each for each in alive if each.text not in accepted]
    for each in new:
        print(f"\n{path_of(each.module)}:{each.line} in {each.function}\n  - {each.was}\n  + {each.now}")
    known = {each.key: "accepted" for each in alive if each.text in accepted}
    _print_scores(mutants, {**verdicts, **known})
    modules = {each.module for each in mutants}
    needed = {each.text for each in mutants if verdicts.get(each.key, "survive") == "survive"}
    for entry in sorted(accepted - needed):
        if entry[0] in modules:
            print("\naccepted, but no survivor:", *entry, sep="\n  ")
    SURVIVORS.write_text(json.dumps([each.text for each in new]), "utf-8")
    judged = sum(1 for each in mutants if each.key in verdicts)
    print(f"\n{len(new)} survivors" if new else f"\nno survivor among {judged} but those that are accepted")
    return 1 if new else 0


def _print_scores(mutants: Sequence[Mutant], verdicts: Mapping[str, str]) -> None:
    """Print a row for each module; what is accepted counts neither for nor against a score."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for each in mutants:
        for row in (each.module, "together"):
            counts[row][verdicts.get(each.key, "not tried")] += 1
    print(f"\n{'module':18}" + "".join(f"{each:>10}" for each in COLUMNS))
    for row in (*(each for each in counts if each != "together"), "together"):
        found = counts[row]
        dead = found["types"] + found["tests"] + found["time-out"]
        judged = dead + found["survive"]
        score = f"{100 * dead / judged:.1f} %" if judged else "–"
        numbers = (found.total(), *(found[each] for each in COLUMNS[1:-1]), score)
        print(f"{row:18}" + "".join(f"{each:>10}" for each in numbers))


if __name__ == "__main__":
    sys.exit(main())
