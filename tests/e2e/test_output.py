"""``omnictl output``: keys for applications, in files that know how they were made."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.e2e.running import omnictl

IN_SANDBOX = ("--sandbox", "--env", "test")


@pytest.fixture
def applied(project: Path) -> Path:
    """A project with two applied scenarios in one of its two environments."""
    (project / "scenarios").mkdir()
    for name in ("vk-sms", "otp"):
        (project / "scenarios" / f"{name}.yaml").write_text(f"name: {name.upper()}\nflow: [{{channel: SMS}}]\n")
    (project / "omnictl.yaml").write_text("version: 1\nenvironments: {test: {}, other: {}}\n")
    assert omnictl("apply", *IN_SANDBOX, "--yes").code == 0
    return project


def test_one_key_alone_for_scripts(applied: Path) -> None:
    ran = omnictl("output", "otp", *IN_SANDBOX)
    assert len(ran.out.strip()) == 32
    assert ran.err == "SANDBOX: nothing leaves this machine\n"


def test_a_table_for_people(applied: Path) -> None:
    lines = omnictl("output", *IN_SANDBOX).out.splitlines()
    assert lines[0].startswith("SANDBOX")
    assert [line.split()[0] for line in lines[1:]] == ["ID", "otp", "vk-sms"]


@pytest.mark.parametrize("form", ["shell", "dotenv"])
def test_a_shell_reads_it(applied: Path, form: str) -> None:
    assert omnictl("output", *IN_SANDBOX, "--format", form, "--out", "keys.env").code == 0
    done = subprocess.run(
        ["sh", "-c", ". ./keys.env; echo $OMNI_SCENARIO_VK_SMS"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == omnictl("output", "vk-sms", *IN_SANDBOX).out.strip()
    assert (applied / "keys.env").read_text().startswith("# SANDBOX: nothing leaves this machine\n# made by: omnictl")


@pytest.mark.parametrize("arguments", [["--format", "dotenv"], ["--format", "json"], ["otp", "--format", "shell"]])
def test_a_file_knows_how_it_was_made(applied: Path, arguments: list[str]) -> None:
    assert omnictl("output", *IN_SANDBOX, *arguments, "--out", "keys").code == 0
    assert omnictl("output", *IN_SANDBOX, "--check", "keys").code == 0
    (applied / "scenarios" / "new.yaml").write_text("name: N\nflow: [{channel: SMS}]\n")
    omnictl("apply", *IN_SANDBOX, "--yes")
    again = omnictl("output", *IN_SANDBOX, "--check", "keys")
    assert again.code == (0 if "otp" in arguments else 2)
    if again.code:
        assert f"omnictl output --env test {' '.join(arguments)} --sandbox --out keys" in again.err


def test_an_edited_file_is_out_of_date(applied: Path) -> None:
    omnictl("output", *IN_SANDBOX, "--format", "dotenv", "--out", "keys.env")
    with (applied / "keys.env").open("a") as file:
        file.write("MORE=1\n")
    assert omnictl("output", *IN_SANDBOX, "--check", "keys.env").code == 2


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# made by: omnictl output; do not edit\n",
        "# made by: omnictl output --env test --format x; do not edit",
        "[1]",
        '{"made_by": 3}',
        "[" * 9999,
        "\0",
    ],
)
def test_a_file_that_does_not_say_is_compared_with_what_is_asked_for(applied: Path, text: str) -> None:
    (applied / "keys").write_text(text)
    assert omnictl("output", *IN_SANDBOX, "--check", "keys").code == 2


def test_line_ends_of_windows_do_not_count(applied: Path) -> None:
    omnictl("output", *IN_SANDBOX, "--format", "dotenv", "--out", "keys.env")
    path = applied / "keys.env"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert omnictl("output", *IN_SANDBOX, "--check", "keys.env").code == 0


@pytest.mark.parametrize("arguments", [["--env", "test"], ["--env", "other", "--sandbox"]])
def test_a_file_is_not_compared_with_another_environment(applied: Path, arguments: list[str]) -> None:
    omnictl("output", *IN_SANDBOX, "--format", "dotenv", "--out", "keys.env")
    ran = omnictl("output", *arguments, "--check", "keys.env")
    assert ran.code == 64
    assert "file-of-another-environment" in ran.err
    assert "omnictl output --env test --sandbox --check keys.env" in ran.err


def test_the_document_has_ids_and_keys_as_texts(applied: Path) -> None:
    document = json.loads(omnictl("output", *IN_SANDBOX, "--format", "json").out)
    assert document["sandbox"] is True
    assert [each["id"] for each in document["items"]] == ["otp", "vk-sms"]
    assert document["made_by"] == "omnictl output --env test --format json --sandbox"


def test_an_unknown_id_says_what_was_meant(applied: Path) -> None:
    ran = omnictl("output", "vk-sm", *IN_SANDBOX)
    assert ran.code == 1
    assert "did you mean vk-sms?" in ran.err
    assert "omnictl state list --env test --sandbox" in omnictl("output", "zzz", *IN_SANDBOX).err


def test_checking_and_writing_do_not_go_together(applied: Path) -> None:
    assert omnictl("output", *IN_SANDBOX, "--check", "a", "--out", "b").code == 64
    assert omnictl("output", *IN_SANDBOX, "--check", "missing").code == 64


def test_without_a_state_nothing_is_made(applied: Path) -> None:
    ran = omnictl("output", "--env", "other", "--sandbox", "--format", "dotenv", "--out", "keys.env")
    assert ran.code == 1
    assert "no-state" in ran.err
    assert not (applied / "keys.env").exists()
