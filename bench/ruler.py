"""What all rulers do with parts of their own: read the files, read the account, compare, or create everything."""

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Files = dict[str, dict[str, Any]]
Request = tuple[str, str, bytes | None]
"""Method, path and body."""

_PAGE = 100
_PATH = "/omni/1/scenarios"


@dataclass(frozen=True)
class Ruler:
    """The parts: reading a folder, sending to a base URL with so many in flight, and JSON."""

    read_files: Callable[[str], Files]
    send_all: Callable[[str, Sequence[Request], int], list[bytes]]
    load: Callable[[bytes], Any]
    dump: Callable[[Any], bytes]

    def run(self) -> None:
        """Do what the command line says."""
        match sys.argv[1:]:
            case ["validate", directory]:
                print(len(self.read_files(directory)))
            case ["plan", directory, base, state]:
                print(f"{self._count_changed(directory, base, state)} changed")
            case ["apply", directory, base, in_flight]:
                print(f"{self._create_all(directory, base, int(in_flight))} created")
            case _:
                sys.exit('a ruler takes: validate DIR | plan DIR URL STATE ("-": none) | apply DIR URL IN_FLIGHT')

    def _read_account(self, base: str, expected: int) -> Files:
        """Read every page, as many at once as the count of the state says."""
        pages: list[Request] = [
            ("GET", f"{_PATH}?limit={_PAGE}&page={page}", None) for page in range(expected // _PAGE + 1)
        ]
        return {row["key"]: row for body in self.send_all(base, pages, 10) for row in self.load(body)["scenarios"]}

    def _count_changed(self, directory: str, base: str, state_path: str) -> int:
        """Count the scenarios that differ from the account, and those that it does not have."""
        files, records = self.read_files(directory), self._read_records(state_path)
        remotes = self._read_account(base, len(records))
        changed = 0
        for name, value in files.items():
            remote = remotes.get(records[name]["key"]) if name in records else None
            changed += remote is None or (remote["name"], remote["flow"]) != (value["name"], value["flow"])
        return changed

    def _read_records(self, state_path: str) -> dict[str, Any]:
        if state_path == "-":
            return {}
        with open(state_path, "rb") as file:
            records: dict[str, Any] = self.load(file.read())["records"]
        return records

    def _create_all(self, directory: str, base: str, in_flight: int) -> int:
        """Create everything, and write the keys down."""
        files = self.read_files(directory)
        self._read_account(base, 0)
        bodies = [("POST", _PATH, self.dump({"name": v["name"], "flow": v["flow"]})) for v in files.values()]
        answers = self.send_all(base, bodies, in_flight)
        keys = {name: self.load(answer)["key"] for name, answer in zip(files, answers, strict=True)}
        with open(os.devnull, "wb") as file:
            file.write(self.dump(keys))
        return len(keys)
