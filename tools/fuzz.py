"""``make fuzz``: atheris on every reader, each for its share of a bounded time, from the corpus of the tests.

    python -m tools.fuzz                     all targets, 60 s together
    python -m tools.fuzz --seconds 600 yaml  one target
    python -m tools.fuzz state --input PATH  one input again, with its traceback; needs no atheris

What it finds lies in .fuzz/, with the command that repeats it; the mended finding belongs into tests/hostile/corpus.
"""

import argparse
import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from copy import deepcopy
from enum import Enum
from pathlib import Path
from random import Random
from typing import Any

ROOT = Path(__file__).parents[1]
CORPUS = ROOT / "tests" / "hostile" / "corpus"
WORK = ROOT / ".fuzz"
SEEDS = {
    "yaml": ("scenario", ".yaml"),
    "json": ("scenario", ".json"),
    "fmt": ("scenario", ".yaml"),
    "message": ("message", ".yaml"),
    "recipients": ("recipients", ".csv"),
    "settings": ("settings", ""),
    "ignored": ("ignored", ".txt"),
    "state": ("state", ""),
    "plan": ("plan", ""),
    "report": ("report", ""),
    "reply": ("reply", ""),
    "rows": ("rows", ""),
}
"""Each target, with the folder of the corpus and the ending of the files that it starts from."""

_LARGEST_INPUT = 16_384
_LONGEST_SECONDS = 20
_MOST_MEGABYTES = 2048


def main(arguments: Sequence[str]) -> int:
    """Run what was asked for; 1 where something was found, or where a target did not start."""
    parser = argparse.ArgumentParser(prog="python -m tools.fuzz", description="Fuzz the readers.")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"one or more of {' '.join(SEEDS)}")
    parser.add_argument("--seconds", type=int, default=60, help="how long, all targets together")
    parser.add_argument("--input", type=Path, help="run one input once")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    unknown = [each for each in asked.targets if each not in SEEDS]
    if unknown or (asked.input and len(asked.targets) != 1):
        parser.error(f"no target {unknown[0]}" if unknown else "--input takes one target")
    targets = asked.targets or list(SEEDS)
    if asked.input:
        from tools.fuzz_targets import TARGETS

        TARGETS[targets[0]](asked.input.read_bytes())
        print("nothing found")
        return 0
    if importlib.util.find_spec("atheris") is None:
        print("make fuzz needs atheris, which is not installed; not every system has a wheel of it:")
        print("    python -m pip install --require-hashes -r requirements-fuzz.txt")
        return 1
    if asked.here:
        return _fuzz_here(targets[0], asked.seconds)
    share = max(1, asked.seconds // len(targets))
    ends = {each: _fuzz(each, share) for each in targets}
    for end in End:
        names = [each for each in targets if ends[each] is end]
        if names and end is not End.NOTHING:
            print(f"{end.value}: {', '.join(names)}")
    if set(ends.values()) == {End.NOTHING}:
        print(End.NOTHING.value)
        return 0
    return 1


class End(Enum):
    """How the run of one target ended."""

    NOTHING = "nothing found"
    FOUND = "found something in"
    NOT_STARTED = "did not start"


def _fuzz(target: str, seconds: int) -> End:
    """Fuzz in a process of its own. Says how to repeat what was found."""
    before = set(_findings(target))
    print(f"{target}: {seconds} s", flush=True)
    command = [sys.executable, "-m", "tools.fuzz", target, "--here", "--seconds", str(seconds)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    said = ran.stderr.decode("utf-8", "replace").splitlines()
    last = next((line for line in reversed(said) if line.startswith(("#", "Done"))), None)
    new = [each for each in _findings(target) if each not in before]
    started = bool(new) or any(line.startswith("INFO: Seed:") for line in said)
    print(f"  {last or ('ended among its seeds' if started else End.NOT_STARTED.value)}")
    if ran.returncode == 0 and started and not new:
        return End.NOTHING
    told = [*ran.stdout.decode("utf-8", "replace").splitlines(), *said]
    trace = [line for line in told if not line.startswith(("#", "INFO:", "WARNING:"))]
    print("\n".join(f"  {line}" for line in trace[-40:]))
    for each in new:
        print(f"  found: {each.relative_to(ROOT)}; again with")
        print(f"    python -m tools.fuzz {target} --input {each.relative_to(ROOT)}")
    return End.FOUND if started else End.NOT_STARTED


def _findings(target: str) -> list[Path]:
    return sorted((WORK / target).glob("*-*")) if (WORK / target).is_dir() else []


def _fuzz_here(target: str, seconds: int) -> int:
    """Fuzz in this process; libFuzzer ends it."""
    import atheris

    with atheris.instrument_imports(include=["omnictl", "yaml", "json"], enable_loader_override=False):
        from tools import fuzz_targets
    learned = WORK / "learned" / target
    seeds = WORK / "seeds" / target
    for each in (learned, seeds, WORK / target):
        each.mkdir(parents=True, exist_ok=True)
    _write_seeds(target, seeds)
    run = fuzz_targets.TARGETS[target]
    limits = [
        f"-max_total_time={seconds}",
        f"-max_len={_LARGEST_INPUT}",
        f"-timeout={_LONGEST_SECONDS}",
        f"-rss_limit_mb={_MOST_MEGABYTES}",
    ]
    words = _write_dictionary(target)
    options = [f"-artifact_prefix={WORK / target}/", f"-dict={words}"]
    is_json = SEEDS[target][1] not in (".yaml", ".csv", ".txt") and target != "settings"
    own = {"custom_mutator": _mutate_json} if is_json else {}
    atheris.Setup([sys.argv[0], *limits, *options, str(learned), str(seeds)], run, **own)
    atheris.Fuzz()
    return 0


def _mutate_json(content: bytes, most: int, seed: int) -> bytes:
    """Bend JSON at one place, so that it stays JSON; now and then, and where it is none, put a few bytes elsewhere."""
    random = Random(seed)
    if random.random() < 0.9:
        with suppress(ValueError, RecursionError):
            bent = json.dumps(_bend(json.loads(content), random), ensure_ascii=random.random() < 0.5)
            return bent.encode("utf-8", "surrogatepass")[:most]
    start, length, place = (random.randint(0, len(content)) for _ in range(3))
    piece = random.choice([content[start : start + length % 16], random.randbytes(2)])
    return (content[:place] + piece + content[place + random.choice([0, len(piece)]) :])[:most]


_VALUES = [
    None,
    True,
    0,
    -1,
    2**53 + 1,
    10**400,
    1e300,
    "",
    "a",
    "\x1b]8;;x\x07",
    "\u202e",
    "\ud800",
    "\x9b2J",
    [],
    {},
    [[]],
]


def _bend(value: Any, random: Random) -> Any:
    """Return JSON with one place replaced, dropped, doubled, or taken from elsewhere."""
    places = list(_places(value))
    holder, key = random.choice(places) if places else (None, None)
    if holder is None:
        return random.choice(_VALUES)
    match random.randrange(5):
        case 0:
            holder[key] = random.choice(_VALUES)
        case 1:
            del holder[key]
        case 2:
            other, its = random.choice(places)
            holder[key] = deepcopy(other[its])
        case 3 if isinstance(holder, list):
            holder.insert(key, deepcopy(holder[key]))
        case 3:
            holder[random.choice(["", "a", "\u202e", f"{key}2"])] = deepcopy(holder[key])
        case _ if isinstance(holder[key], str):
            at = random.randint(0, len(holder[key]))
            holder[key] = (
                holder[key][:at] + chr(random.choice([0, 10, 27, 96, 124, 0x9B, 0x202E, 0xD800])) + holder[key][at:]
            )
        case _:
            holder[key] = [holder[key]]
    return value


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    for key, each in list(
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    ):
        yield value, key
        yield from _places(each)


def _write_seeds(target: str, into: Path) -> None:
    """Gather the corpus, the examples, and whole documents as omnictl writes them today."""
    folder, ending = SEEDS[target]
    found = corpus_files(target)
    if folder == "scenario":
        found += sorted((ROOT / "examples").rglob(f"scenarios/**/*{ending or '.yaml'}"))
    if folder == "message":
        found += sorted((ROOT / "examples").rglob("*.message.yaml"))
    if folder == "settings":
        found += sorted((ROOT / "examples").rglob("omnictl.yaml"))
    for number, each in enumerate(found):
        (into / f"{number:03}-{each.name}").write_bytes(each.read_bytes())
    for name, text in written_documents().get(target, {}).items():
        (into / name).write_text(text, encoding="utf-8")


def corpus_files(target: str) -> list[Path]:
    """Return the files of the corpus that a target starts from; none where its folder is missing."""
    folder, ending = SEEDS[target]
    return [each for each in sorted((CORPUS / folder).glob("*")) if each.is_file() and each.name.endswith(ending)]


def written_documents() -> dict[str, dict[str, str]]:
    """Return whole documents as omnictl writes them today, for each target that reads what omnictl writes."""
    from omnictl.codec.plan import encode_plan
    from omnictl.codec.report import encode_report
    from omnictl.codec.state import encode_state
    from omnictl.model.change import Action
    from omnictl.model.outcome import Fate
    from tests.builders import Scene, example_scene
    from tests.golden.test_reports import finished, outcome

    small = Scene().declare("a", "A", "SMS").remember("b", "B", "SMS > VIBER:x")
    report = finished(outcome("a", Action.CREATE, Fate.DONE), outcome("b", Action.UPDATE, Fate.FAILED))
    scenes = {"small": small, "all": example_scene()}
    return {
        "state": {f"written-{name}": encode_state(each.state) for name, each in scenes.items()},
        "plan": {f"written-{name}": json.dumps(encode_plan(each.plan())) for name, each in scenes.items()},
        "report": {"written": json.dumps(encode_report(report, version="1.0.0", exit_code=4))},
    }


_SIGNS = ["\\x0a- ", "&a ", "*a", "<<: ", "!!str ", "---\\x0a", "${var.", "$${", "\\\\ud800", "1e400", "\\x1b[2J"]


def _write_dictionary(target: str) -> Path:
    """Give the fuzzer the keys of the schemas, and the signs that mean something to a reader."""
    from omnictl.config.schema import SCHEMA_KINDS, read_schema

    def keys(node: object) -> set[str]:
        if isinstance(node, list):
            return {key for each in node for key in keys(each)}
        if not isinstance(node, dict):
            return set()
        named = node.get("properties")
        own = set(named) if isinstance(named, dict) else set()
        return own | {key for each in node.values() for key in keys(each)}

    words = sorted({key for kind in SCHEMA_KINDS for key in keys(read_schema(kind))})
    path = WORK / f"{target}.dict"
    path.write_text("".join(f'"{each}"\n' for each in (*words, *_SIGNS)), encoding="utf-8")
    return path


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
