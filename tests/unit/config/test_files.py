"""Files that are no scenarios, cannot be read, or lead somewhere else: each a clear diagnostic, none a surprise."""

import os
from pathlib import Path

import pytest

from omnictl.config.documents import LARGEST_BYTES
from omnictl.config.settings import find_settings, load_settings
from tests.projects import good, load, told, validate, write


def only(project: Path, content: str | bytes, name: str = "scenarios/a.yaml") -> list[str]:
    write(project, {name: content})
    return told(validate(project).diagnostics)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", ["a.yaml empty-file"]),
        ("# only a comment\n", ["a.yaml empty-file"]),
        (b"name: \xff\n", ["a.yaml:1:7 not-utf-8"]),
        (b"id: a\nname: a\xe9b\n", ["a.yaml:2:8 not-utf-8"]),
        ("name: x".encode("utf-16"), ["a.yaml:1:1 not-utf-8"]),
        ("id: a\nname: a\0b\n", ["a.yaml:2:8 not-yaml"]),
        ("id: a\nname: a\x07b\n", ["a.yaml:2:8 not-yaml"]),
        ('name: "\\ud800"\n', ["a.yaml:1:10 not-yaml"]),
        ("id: a\n\tname: x\n", ["a.yaml:2:1 not-yaml"]),
        ("name: a: b\n", ["a.yaml:1:8 not-yaml"]),
        ("name: [\n", ["a.yaml:2:1 not-yaml"]),
        ("name: *a\n", ["a.yaml:1:7 not-yaml"]),
        ("a: " + "[" * 100_000, ["a.yaml:1:44 too-deep"]),
        ("- " * 5_000 + "x", ["a.yaml:1:83 too-deep"]),
        ("a: " + "{a: " * 60 + "}" * 60, ["a.yaml:1:164 too-deep"]),
        ("name: !!python/object:os.system x\n", ["a.yaml:1:7 custom-tag"]),
        ("name: !!int 3\n", ["a.yaml:1:7 custom-tag"]),
        ("flow: !mine [a]\n", ["a.yaml:1:7 custom-tag"]),
        ("labels: !!set {a}\n", ["a.yaml:1:9 custom-tag"]),
        ("!!int 3: x\n", ["a.yaml:1:1 custom-tag"]),
        ("? [a]\n: b\n", ["a.yaml:1:3 bad-key"]),
        ("flow: &f [*f]\n", ["a.yaml:1:7 recursive-alias"]),
        ("<<: 3\n", ["a.yaml:1:5 bad-merge"]),
        ("just a text\n", ["a.yaml:1:1 wrong-type"]),
        ("[a]\n", ["a.yaml:1:1 wrong-type"]),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(project: Path, content: str | bytes, expected: list[str]) -> None:
    assert only(project, content) == [f"scenarios/{each}" for each in expected]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", ["a.json empty-file"]),
        ('{"name": "x",}', ["a.json:1:14 not-json"]),
        ("{'name': 1}", ["a.json:1:2 not-json"]),
        ('{"name" "x"}', ["a.json:1:9 not-json"]),
        ('{\n  // no\n}', ["a.json:2:3 not-json"]),
        ('{"name": NaN}', ["a.json:1:10 not-json"]),
        ('{"name": 01}', ["a.json:1:11 not-json"]),
        ('{"name": "a\nb"}', ["a.json:1:12 not-json"]),
        ('{} {}', ["a.json:1:4 not-json"]),
        ('["a"', ["a.json:1:5 not-json"]),
        ('{"name": "\\ud800"}', ["a.json:1:10 half-character"]),
        ("[" * 100_000, ["a.json:1:42 too-deep"]),
        ("name: x\n", ["a.json:1:1 not-json"]),
        ('[]', ["a.json:1:1 wrong-type"]),
    ],
)  # fmt: skip
def test_json_is_read_by_its_own_rules(project: Path, content: str, expected: list[str]) -> None:
    assert only(project, content, "scenarios/a.json") == [f"scenarios/{each}" for each in expected]


def test_json_places_keys_and_values(project: Path) -> None:
    text = (
        '{\n "name": "😀 \\ud83d\\ude00",\n "nmae": {},\n "name": "y",\n'
        ' "flow": [\n  {"channel": "SMX", "from": ""}, {}]}\n'
    )
    assert only(project, text, "scenarios/a.json") == [
        "scenarios/a.json:3:2 unknown-key",
        "scenarios/a.json:4:2 duplicate-key",
        "scenarios/a.json:6:15 unknown-channel",
        "scenarios/a.json:6:35 missing-key",
    ]


def test_an_alias_bomb_is_refused(project: Path) -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    assert only(project, "\n".join(lines))[0].endswith("too-many-aliases")
    bombs = "---\n".join(f"a: &a [{'x,' * 90}]\nb: &b [{'*a,' * 90}]\nc: [{'*b,' * 6}]\n" for _ in range(20))
    assert "too-many-aliases" in only(project, bombs)[-1], "the bound is of the file, not of each document"


def test_a_huge_file_is_refused(project: Path) -> None:
    assert only(project, "#" * (LARGEST_BYTES + 1)) == ["scenarios/a.yaml file-too-large"]


def test_a_large_file_of_many_documents_is_fine(project: Path) -> None:
    write(
        project,
        {
            "scenarios/all.yaml": "---\n".join(
                good(f"s-{n}").replace(f"name: s-{n}", f"name: n{n}") for n in range(3000)
            )
        },
    )
    validation = validate(project)
    assert (validation.diagnostics, validation.scenarios) == ((), 3000)


def test_a_byte_order_mark_means_nothing(project: Path) -> None:
    assert only(project, b"\xef\xbb\xbf" + good("a").encode()) == []
    assert only(project, b"\xef\xbb\xbf" + b'{"name": "b", "flow": [{"channel": "SMS"}]}', "scenarios/b.json") == []


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_places_are_right_whatever_ends_a_line(project: Path, ending: str) -> None:
    write(project, {"scenarios/a.yaml": good("a", "nmae: x\n").replace("\n", ending)})
    (found,) = validate(project).diagnostics
    assert found.source
    assert (found.source.line, found.source.column) == (7, 1)
    assert found.source.excerpt == ((6, "    from: InfoSMS"), (7, "nmae: x"))


def test_unusual_line_ends_count_as_the_parser_counts_them(project: Path) -> None:
    write(project, {"scenarios/a.yaml": "name: 'x\u2028  y'\rnmae: 1\nflow: [{channel: SMS}]\n"})
    (found,) = validate(project).diagnostics
    assert found.source
    assert (found.source.line, dict(found.source.excerpt)[3]) == (3, "nmae: 1")


def test_a_folder_or_a_fifo_in_place_of_a_file_is_told_and_never_waited_for(project: Path) -> None:
    write(project, {"scenarios/folder.yaml/inside.yaml": good("inside")})
    os.mkfifo(project / "scenarios" / "fifo.yaml")
    (project / "scenarios" / "gone.yaml").symlink_to("nowhere.yaml")
    (project / "scenarios" / "loop.yaml").symlink_to("loop.yaml")
    found = validate(project).diagnostics
    assert told(found) == [
        "scenarios/fifo.yaml not-a-file",
        "scenarios/folder.yaml not-a-file",
        "scenarios/gone.yaml unreadable-file",
        "scenarios/loop.yaml unreadable-file",
    ]


def test_a_link_to_a_folder_that_is_gone_is_no_empty_folder(project: Path) -> None:
    write(project, {"scenarios/a.yaml": good("a")})
    (project / "scenarios" / "team").symlink_to("../nowhere")
    (project / "scenarios" / "loop").symlink_to("loop")
    (project / "scenarios" / "_old").symlink_to("../nowhere")
    assert told(validate(project).diagnostics) == ["scenarios/loop missing-path", "scenarios/team missing-path"]


@pytest.mark.parametrize(
    ("kind", "code"), [("folder", "not-a-file"), ("fifo", "not-a-file"), ("broken link", "unreadable-file")]
)
def test_settings_that_are_no_file_are_told_and_never_passed_over(project: Path, kind: str, code: str) -> None:
    path = project / "omnictl.yaml"
    path.unlink(missing_ok=True)
    if kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        path.symlink_to("nowhere.yaml")
    _, found = load_settings(find_settings(project), project)
    assert told(found) == [f"omnictl.yaml {code}"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_told(project: Path) -> None:
    write(project, {"scenarios/a.yaml": good("a"), "scenarios/sub/b.yaml": good("b")})
    (project / "scenarios/a.yaml").chmod(0)
    (project / "scenarios/sub").chmod(0)
    assert told(validate(project).diagnostics) == [
        "scenarios/a.yaml unreadable-file",
        "scenarios/sub unreadable-folder",
    ]
    (project / "scenarios/sub").chmod(0o700)


def test_a_folder_that_cannot_be_listed_is_never_an_empty_one(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(project, {"scenarios/a.yaml": good("a")})

    def refuse(_path: str) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr("omnictl.config.discovery.os.scandir", refuse)
        found = told(validate(project).diagnostics)
    assert found == ["scenarios unreadable-folder"]


def test_links_inside_the_project_are_followed_once_and_never_out_of_it(
    project: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    write(outside, {"x.yaml": good("x"), "more/y.yaml": good("y")})
    write(project, {"scenarios/a.yaml": good("a"), "kept/b.yaml": good("b")})
    folder = project / "scenarios"
    (folder / "inside").symlink_to("../kept")
    (folder / "again").symlink_to("../kept")
    (folder / "up").symlink_to("..")
    (folder / "out").symlink_to(outside)
    (folder / "out.yaml").symlink_to(outside / "x.yaml")
    (folder / "README").symlink_to(outside / "x.yaml")
    (folder / "linked.yaml").symlink_to("../kept/b.yaml")
    found = validate(project)
    assert told(found.diagnostics) == [
        "scenarios/linked.yaml:1:5 duplicate-id",
        "scenarios/out outside-root",
        "scenarios/out.yaml outside-root",
    ]
    assert found.scenarios == 3


def test_paths_of_the_settings_stay_in_the_project(project: Path) -> None:
    write(
        project,
        {
            "p/omnictl.yaml": "version: 1\nscenarios: [../other, one.yaml, missing, .]\n",
            "other/x.yaml": good("x"),
            "p/one.yaml": good("one"),
        },
    )
    found = validate(project / "p")
    assert told(found.diagnostics) == ["missing-path", "../other outside-root"]
    assert found.scenarios == 1


def test_what_is_no_scenario_is_skipped(project: Path) -> None:
    names = [
        ".hidden.yaml",
        "_draft.yaml",
        "_drafts/x.yaml",
        ".git/x.yaml",
        "a.message.yaml",
        "a.omnitest.yaml",
        "a.message.yml",
        "notes.txt",
        "a.yaml.bak",
        "a.yaml~",
        "a.yaml.disabled",
        "yaml",
    ]
    write(project, {f"scenarios/{name}": "nonsense: [" for name in names} | {"scenarios/deep/er/a.yml": good("a")})
    found = validate(project)
    assert (found.diagnostics, found.scenarios, found.files) == ((), 1, 1)


def test_an_ending_is_read_in_any_letter_case(project: Path) -> None:
    text = '{"id": "c", "name": "C", "flow": [{"channel": "SMS"}]}'
    names = {"scenarios/a.YAML": good("a"), "scenarios/b.Yml": good("b"), "scenarios/c.JSON": text}
    write(project, names | {"scenarios/d.MESSAGE.yaml": "nonsense: [", "scenarios/e.omnitest.JSON": "nonsense: ["})
    found = validate(project)
    assert (found.diagnostics, found.scenarios) == ((), 3)
    write(project, {"scenarios/c.JSON": text.replace("}]}", "}],}")})
    assert told(validate(project).diagnostics)[0] == "scenarios/c.JSON:1:55 not-json"


@pytest.mark.parametrize("name", ["b.ymal", "b.YALM", "b.yaml.txt", "b.yaml ", "b.json.", "b.jsn"])
def test_a_file_is_never_passed_over_by_a_slip(project: Path, name: str) -> None:
    write(project, {"scenarios/a.yaml": good("a"), f"scenarios/{name}": good("b")})
    assert told(validate(project).diagnostics) == [f"scenarios/{name} misspelt-ending"]
    (project / "scenarios" / name).rename(project / "scenarios" / f"_{name}")
    assert validate(project).diagnostics == ()
    (project / "scenarios" / name).symlink_to(f"_{name}")
    assert told(validate(project).diagnostics) == [f"scenarios/{name} misspelt-ending"]


def test_a_project_without_settings_reads_scenarios(project: Path) -> None:
    assert told(validate(project).diagnostics) == ["missing-path"]
    write(project, {"scenarios/a.yaml": good("a")})
    assert list(load(project, "default").configuration.resources) == ["scenario.a"]


@pytest.mark.parametrize(
    ("name", "text", "in_braces"),
    [
        ("a.json", '{"name": "A", "flow": [{"channel": "SMS"}]}', True),
        ("a.yaml", "# one\n{name: A, flow: [{channel: SMS}]}\n", True),
        ("a.yaml", "name: A\nflow: [{channel: SMS}]\n", False),
    ],
)
def test_a_file_whose_keys_stand_in_braces_is_known(project: Path, name: str, text: str, *, in_braces: bool) -> None:
    write(project, {f"scenarios/{name}": text})
    (found,) = load(project, "default").configuration.resources.values()
    assert found.in_braces is in_braces
