"""The targets of ``make fuzz`` over what they start from: no atheris, one run of each file."""

from pathlib import Path

import pytest

from tools.fuzz import CORPUS, SEEDS, corpus_files, written_documents
from tools.fuzz_targets import TARGETS

WRITTEN = ("plan", "report", "state")
"""The targets that read what omnictl writes, and so start from what it writes today as well."""


def test_every_target_has_its_seeds_and_every_folder_its_target() -> None:
    assert TARGETS.keys() == SEEDS.keys()
    assert {each.name for each in CORPUS.iterdir()} == {folder for folder, _ in SEEDS.values()}


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_starts_from_files(target: str) -> None:
    assert len(corpus_files(target)) > 1


@pytest.mark.parametrize(
    ("target", "path"),
    [
        pytest.param(target, path, id=f"{target}-{path.name}")
        for target in TARGETS
        for path in (corpus_files(target) if target in SEEDS else ())
    ],
)
def test_a_target_reads_the_corpus(target: str, path: Path) -> None:
    TARGETS[target](path.read_bytes())


@pytest.mark.parametrize("target", WRITTEN)
def test_a_target_reads_what_omnictl_writes(target: str) -> None:
    assert written_documents()[target]
    for text in written_documents()[target].values():
        TARGETS[target](text.encode())
