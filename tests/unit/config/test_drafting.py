"""The files of an import: where they may go, and how they are called."""

import os
from pathlib import Path

import pytest

from omnictl.config.drafting import CODES, choose_folder, make_drafts
from omnictl.config.settings import Settings, find_settings, load_settings
from omnictl.errors import UsageError
from omnictl.model.address import Address, make_address
from omnictl.model.adoption import Adoption
from omnictl.model.scenario import Attributes, Remote, Step
from tests.projects import write

THREE = """\
version: 1
environments:
  own: {scenarios: [own, common/inner]}
  other: {scenarios: [common, one.yaml]}
  third: {scenarios: [one.yaml]}
"""


def settings_of(root: Path, text: str = THREE) -> Settings:
    write(root, {"omnictl.yaml": text})
    settings, diagnostics = load_settings(find_settings(root), root)
    assert diagnostics == ()
    return settings


def adoption(scenario_id: str, key: str = "KEY", name: str = "A", *channels: str) -> Adoption:
    flow = tuple(Step(each) for each in channels or ("SMS",))
    return Adoption(make_address(scenario_id), Remote(key, Attributes(name, flow)))


@pytest.mark.parametrize(
    ("environment", "given", "shown", "only_in"),
    [
        ("own", None, "own", None),
        ("own", "own/deep/er", "own/deep/er", None),
        ("own", "common/inner", "common/inner", "own"),
        ("other", None, "common", None),
        ("other", "common/inner", "common/inner", "other"),
        ("other", "common/else", "common/else", None),
    ],
)
def test_the_folder_is_one_that_is_read(
    project: Path, environment: str, given: str | None, shown: str, only_in: str | None
) -> None:
    settings = settings_of(project)
    folder = choose_folder(settings, settings.environments[environment], given)
    assert (folder.shown, folder.only_in) == (shown, only_in)
    assert folder.path == str(Path(os.path.realpath(project)) / shown)


@pytest.mark.parametrize(
    ("environment", "given"),
    [
        ("own", "common"),
        ("own", "elsewhere"),
        ("own", "own/.hidden"),
        ("own", "own/_drafts/deep"),
        ("own", "own/../common"),
        ("own", "own/new.yaml"),
        ("own", "own/new.yml/deep"),
        ("own", "own/there.json"),
        ("own", "own/file"),
        ("own", "own/link"),
        ("third", None),
        ("third", "one.yaml"),
    ],
)
def test_another_folder_is_refused(
    project: Path, tmp_path_factory: pytest.TempPathFactory, environment: str, given: str | None
) -> None:
    write(project, {"own/file": "", "own/there.json/x.txt": ""})
    (project / "own/link").symlink_to(tmp_path_factory.mktemp("outside"))
    settings = settings_of(project)
    with pytest.raises(UsageError) as caught:
        choose_folder(settings, settings.environments[environment], given)
    assert [each.code for each in caught.value.diagnostics] == ["unread-folder"]
    assert set(CODES) == {"unread-folder"}


def test_without_settings_the_usual_folder_is_written_to(project: Path) -> None:
    settings, _ = load_settings(None, project)
    folder = choose_folder(settings, settings.environments["default"], None)
    assert (folder.shown, folder.only_in) == ("scenarios", None)


def test_names_of_files_that_are_there_are_not_taken_in_any_case(project: Path) -> None:
    write(project, {"own/A.yml": "", "own/b.message.yaml": "", "own/c.yaml": "", "own/c-own.json": ""})
    settings = settings_of(project)
    folder = choose_folder(settings, settings.environments["own"], None)
    drafted = make_drafts(
        [adoption(each) for each in ("a", "b", "c", "d")],
        folder,
        settings,
        "own",
        default=make_address("d"),
        with_imports=True,
    )
    assert [each.shown for each in drafted.drafts] == [
        "own/a-own.yaml",
        "own/b-own.yaml",
        "own/c-own-2.yaml",
        "own/d.yaml",
    ]
    assert [each.claims_default for each in drafted.drafts] == [False, False, False, True]
    assert "import:\n  own: KEY\n" in drafted.drafts[0].text
    assert [each.import_key for each in drafted.resources] == ["KEY"] * 4


@pytest.mark.parametrize(
    ("left", "reason"),
    [
        (adoption("a", "K", "A", "RCS", "SMS", "FAX"), "this omnictl does not know the channel FAX, RCS"),
        (adoption("a", "K", ""), "it has no name"),
        (Adoption(make_address("a"), Remote("K", Attributes("A", ()))), "it has no step"),
        (
            adoption("a", "K", "A", *["SMS"] * 101),
            "a file cannot hold it: There are too many elements. flow: there are 101; 100 are taken at most.",
        ),
    ],
)
def test_what_no_file_holds_is_left_out_and_takes_no_name(project: Path, left: Adoption, reason: str) -> None:
    settings = settings_of(project)
    folder = choose_folder(settings, settings.environments["own"], None)
    no_default: Address | None = None
    drafted = make_drafts([left, adoption("b")], folder, settings, "own", default=no_default, with_imports=False)
    assert [each.reason for each in drafted.left_out] == [reason]
    assert [each.shown for each in drafted.drafts] == ["own/b.yaml"]


def test_an_api_key_in_a_name_is_not_shown(project: Path) -> None:
    settings = settings_of(project)
    name = "0123456789abcdef0123456789abcdef-01234567-0123-0123-0123-0123456789ab"
    folder = choose_folder(settings, settings.environments["own"], None)
    drafted = make_drafts([adoption("a", "K", name)], folder, settings, "own", default=None, with_imports=False)
    (left,) = drafted.left_out
    assert set(left.name) == {"*"}
    assert left.reason == "it holds what has the form of an API key, which no file may hold"
    assert "repository" not in left.reason + left.hint
