"""What several files, several environments, and the command line get wrong together."""

from pathlib import Path

import pytest

from omnictl.model.diagnostic import Severity
from tests.projects import good, load, told, validate, write

TWO = "version: 1\nenvironments:\n  test: {}\n  production: {}\n"
SHARED = "version: 1\nenvironments:\n  eu: {account: one}\n  us: {account: one}\n  asia: {account: two}\n  home: {}\n"


def test_ids_are_unique_without_regard_to_case_and_the_first_place_is_named(project: Path) -> None:
    write(project, {"scenarios/a.yaml": good("a"), "scenarios/b.yaml": good("b").replace("id: b", "id: a")})
    (found,) = validate(project).diagnostics
    assert told([found]) == ["scenarios/b.yaml:1:5 duplicate-id"]
    assert "scenarios/a.yaml:1" in found.detail


def test_an_id_may_stand_twice_in_different_environments(project: Path) -> None:
    write(
        project,
        {
            "omnictl.yaml": TWO,
            "scenarios/a.yaml": good("a", "only_in: [test]\ndefault: true\n"),
            "scenarios/b.yaml": good("b", "only_in: [production]\ndefault: true\n").replace("id: b", "id: a"),
        },
    )
    assert validate(project).diagnostics == ()


def test_two_defaults_are_told_also_where_one_of_them_is_wrong(project: Path) -> None:
    write(
        project,
        {"scenarios/a.yaml": good("a", "default: true\n"), "scenarios/b.yaml": good("b", "default: true\nnmae: x\n")},
    )
    found = validate(project).diagnostics
    assert told(found) == ["scenarios/b.yaml:7:10 two-defaults", "scenarios/b.yaml:8:1 unknown-key"]
    assert "(scenarios/a.yaml:7)" in found[0].detail


def test_equal_name_and_flow_is_a_warning(project: Path) -> None:
    write(project, {"scenarios/a.yaml": good("a"), "scenarios/b.yaml": good("b").replace("name: b", "name: a")})
    (found,) = validate(project).diagnostics
    assert told([found]) == ["scenarios/b.yaml:2:7 equal-scenarios"]
    assert found.severity is Severity.WARNING
    assert len(load(project, "default").configuration.resources) == 2


def test_one_key_is_adopted_by_one_scenario(project: Path) -> None:
    write(project, {"scenarios/a.yaml": good("a", "import: CD26\n"), "scenarios/b.yaml": good("b", "import: CD26\n")})
    assert told(validate(project).diagnostics) == ["scenarios/b.yaml:7:9 import-twice"]
    settings = "version: 1\nenvironments: {eu: {}, us: {}}\n"
    write(
        project,
        {
            "omnictl.yaml": settings,
            "scenarios/a.yaml": good("a", "import: {eu: CD26, us: AB}\n"),
            "scenarios/b.yaml": good("b", "import: {eu: XX, us: AB}\n"),
        },
    )
    assert told(validate(project).diagnostics) == ["scenarios/b.yaml:7:22 import-twice"]


def test_previous_ids_are_no_longer_declared_and_claimed_once(project: Path) -> None:
    write(
        project,
        {
            "scenarios/a.yaml": good("a", "previous_ids: [b, old]\n"),
            "scenarios/b.yaml": good("b", "previous_ids: [old]\n"),
        },
    )
    found = validate(project).diagnostics
    assert told(found) == [
        "scenarios/a.yaml:7:16 previous-id-declared",
        "scenarios/b.yaml:7:16 previous-id-claimed-twice",
    ]


def test_two_environments_of_one_account_declare_one_default(project: Path) -> None:
    write(project, {"omnictl.yaml": SHARED, "scenarios/a.yaml": good("a", "default: true\n")})
    (found,) = validate(project).diagnostics
    assert told([found]) == ["scenarios/a.yaml:7:10 shared-default"]
    assert "eu" in found.detail
    assert "us" in found.detail
    for environment, expected in {"eu": 1, "us": 1, "asia": 0, "home": 0}.items():
        assert len(load(project, environment).diagnostics) == expected, environment


def test_a_default_in_one_environment_of_an_account_is_fine_and_mistakes_beside_it_are_not_told(project: Path) -> None:
    write(
        project,
        {
            "omnictl.yaml": SHARED,
            "scenarios/a.yaml": good("a", "default: true\nonly_in: [eu]\n"),
            "scenarios/b.yaml": good("b", "only_in: [us]\ndescription: ${var.nope}\n"),
        },
    )
    assert load(project, "eu").diagnostics == ()
    assert load(project, "us").diagnostics != ()
    assert told(validate(project).diagnostics) == ["scenarios/b.yaml:8:14 unknown-variable"]


def test_environments_have_files_of_their_own(project: Path) -> None:
    settings = "version: 1\nenvironments:\n" + "".join(
        f"  {name}: {{scenarios: [{name}, both.yaml], account: x}}\n" for name in ("eu", "us")
    )
    write(
        project,
        {
            "omnictl.yaml": settings,
            "eu/a.yaml": good("a"),
            "us/b.yaml": good("b", "nmae: x\n"),
            "both.yaml": good("both"),
        },
    )
    assert list(load(project, "eu").configuration.resources) == ["scenario.a", "scenario.both"]
    assert load(project, "eu").diagnostics == ()
    assert told(load(project, "us").diagnostics) == ["us/b.yaml:7:1 unknown-key"]
    assert (validate(project).scenarios, told(validate(project).diagnostics)) == (3, ["us/b.yaml:7:1 unknown-key"])


def test_a_mistake_that_environments_share_is_told_once_and_one_of_a_value_for_each(project: Path) -> None:
    settings = (
        "version: 1\nvariables: {s: x, f: {}}\n"
        "environments: {eu: {variables: {s: '', f: true}}, us: {variables: {f: false}}}\n"
    )
    text = "id: a\nnmae: y\nname: ${var.s}\nflow: [{channel: SMS, from: x}]\ndefault: ${var.f}\n"
    write(project, {"omnictl.yaml": settings, "scenarios/a.yaml": text})
    assert told(validate(project).diagnostics) == [
        "scenarios/a.yaml:2:1 unknown-key",
        "scenarios/a.yaml:3:7 empty-text",
    ]


class TestVariables:
    """Where a value comes from, and names that nothing knows."""

    SETTINGS = (
        "version: 1\nvariables:\n  s: {default: from-default, description: x}\n  bare:\n    description: none\n"
        "environments: {eu: {variables: {s: from-env}}, us: {}}\n"
    )
    TEXT = "name: x ${var.s}\nflow: [{channel: SMS, from: '${var.s}'}]\n"

    @pytest.fixture(autouse=True)
    def files(self, project: Path) -> None:
        write(project, {"omnictl.yaml": self.SETTINGS, "scenarios/a.yaml": self.TEXT})

    @pytest.mark.parametrize(
        ("environment", "variables", "environ", "expected"),
        [
            ("us", {}, {}, "from-default"),
            ("eu", {}, {}, "from-env"),
            ("eu", {}, {"OMNICTL_VAR_S": "from-environ"}, "from-environ"),
            ("eu", {"s": "from-line"}, {"OMNICTL_VAR_S": "from-environ"}, "from-line"),
            ("eu", {"s": ""}, {}, None),
            ("eu", {"s": "${var.s}"}, {}, "${var.s}"),
            ("eu", {"s": "007"}, {}, "007"),
            ("eu", {"s": "~"}, {}, "~"),
        ],
    )
    def test_the_nearest_value_counts(
        self, project: Path, environment: str, variables: dict[str, str], environ: dict[str, str], expected: str | None
    ) -> None:
        loaded = load(project, environment, variables=variables, environ=environ)
        assert loaded.diagnostics == ()
        assert loaded.configuration.resources["scenario.a"].attributes.flow[0].sender == expected  # type: ignore[index]

    def test_a_variable_without_a_value_is_told(self, project: Path) -> None:
        write(project, {"scenarios/a.yaml": self.TEXT + "description: '${var.bare}'\n"})
        assert told(load(project, "eu").diagnostics) == ["scenarios/a.yaml:3:14 unset-variable"]

    @pytest.mark.parametrize(("name", "hint"), [("S", ""), ("ss", "did you mean s?"), ("zzz", "")])
    def test_a_name_on_the_command_line_that_nothing_knows_is_told(self, project: Path, name: str, hint: str) -> None:
        write(project, {"scenarios/a.yaml": self.TEXT + "description: '${var.bare}'\n"})
        found = load(project, "eu", variables={name: "x", "bare": "y"}).diagnostics
        assert [(each.code, each.hint) for each in found] == [("unknown-variable", hint)]
        assert "unknown-variable" in told(validate(project, variables={name: "x", "bare": "y"}).diagnostics)

    def test_without_settings_a_used_name_is_known(self, project: Path) -> None:
        (project / "omnictl.yaml").unlink()
        assert load(project, "default", variables={"s": "x"}).diagnostics == ()

    def test_a_variable_that_no_scenario_uses_is_a_warning(self, project: Path) -> None:
        write(project, {"omnictl.yaml": self.SETTINGS.replace("us: {}", "us: {variables: {sender: x}}")})
        found = validate(project).diagnostics
        assert told(found) == ["omnictl.yaml:5:5 unused-variable", "omnictl.yaml:6:73 unused-variable"]
        assert {each.severity for each in found} == {Severity.WARNING}

    @pytest.mark.parametrize(
        ("value", "code"), [("true", None), ("false", None), ("yes", "bent-value"), ("", "wrong-type")]
    )
    def test_a_flag_keeps_its_type(self, project: Path, value: str, code: str | None) -> None:
        write(project, {"scenarios/a.yaml": self.TEXT + "default: '${var.bare}'\n"})
        found = load(project, "eu", variables={"bare": value})
        assert [each.code for each in found.diagnostics] == ([code] if code else [])
        if not code:
            assert found.configuration.resources["scenario.a"].default is (value == "true")  # type: ignore[index]

    def test_what_only_another_environment_has_is_not_missed(self, project: Path) -> None:
        write(project, {"scenarios/b.yaml": good("b", "only_in: [us]\ndescription: ${var.bare}\n")})
        assert load(project, "eu").diagnostics == ()


class TestPaths:
    """Paths of the command line: only what is wrong with them is told, compared with everything else."""

    @pytest.fixture(autouse=True)
    def files(self, project: Path) -> None:
        files = {
            "omnictl.yaml": "version: 1\nvariables: {unused: x}\n",
            "scenarios/a.yaml": good("a", "default: true\n"),
            "scenarios/b/b.yaml": good("b", "default: true\n"),
            "scenarios/b/c.yaml": good("c", "nmae: x\n"),
            "drafts/d.yaml": good("a", "nmae: x\n"),
            "scenarios/x.omnitest.yaml": "{}",
            "scenarios/x.message.yaml": "smss: {text: x}\n",
        }
        write(project, files)

    @pytest.mark.parametrize(
        ("paths", "expected", "scenarios"),
        [
            (["scenarios/a.yaml"], ["scenarios/a.yaml:7:10 two-defaults"], 1),
            (["scenarios/b/b.yaml"], ["scenarios/b/b.yaml:7:10 two-defaults"], 1),
            (["scenarios/b"], ["scenarios/b/b.yaml:7:10 two-defaults", "scenarios/b/c.yaml:7:1 unknown-key"], 2),
            (["drafts"], ["drafts/d.yaml:1:5 duplicate-id", "drafts/d.yaml:7:1 unknown-key"], 1),
            (["scenarios/x.omnitest.yaml"], ["x.omnitest.yaml no-scenario-file"], 0),
            (["scenarios/x.message.yaml"], ["scenarios/x.message.yaml:1:1 unknown-key"], 0),
            (["omnictl.yaml"], [], 0),
            (["omnictl.yaml", "scenarios/b/c.yaml"], ["scenarios/b/c.yaml:7:1 unknown-key"], 1),
        ],
    )
    def test_only_what_is_asked_for_is_told(
        self, project: Path, paths: list[str], expected: list[str], scenarios: int
    ) -> None:
        found = validate(project, paths=paths)
        assert [each.replace(f"{project.as_posix()}/scenarios/", "") for each in told(found.diagnostics)] == expected
        assert found.scenarios == scenarios


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["omnictl.yaml empty-file"]),
        ("x: 1\n", ["omnictl.yaml:1:1 unknown-key", "omnictl.yaml:1:1 missing-key"]),
        ("version: 2\n", ["omnictl.yaml:1:10 wrong-value"]),
        ("version: 1\n---\nversion: 1\n", ["omnictl.yaml:3:1 several-documents"]),
        ("version: 1\ndefault_environment: tst\nenvironments: {test: {}}\n", ["omnictl.yaml:2:22 unknown-environment"]),
        (
            "version: 1\ndefault_environment: p\nenvironments: {p: {production: true}}\n",
            ["omnictl.yaml:2:22 production-default"],
        ),
        ("version: 1\nrequires: '>=99'\n", ["omnictl.yaml:2:11 wrong-version"]),
        ("version: 1\nrequires: newest\n", ["omnictl.yaml:2:11 wrong-version"]),
        (f"version: 1\nrequires: '>={'9' * 5000}'\n", ["omnictl.yaml:2:11 wrong-version"]),
        ('version: 1\nenvironments: {t: {state: "a\\0b"}}\n', ["omnictl.yaml:2:27 wrong-form"]),
        ('version: 1\nenvironments: {t: {ca_file: "a\\0b"}}\n', ["omnictl.yaml:2:29 wrong-form"]),
        ("version: 1\nlint: {single-stp: off}\n", ["omnictl.yaml:2:8 unknown-key"]),
        ("version: 1\nlint: {single-step: fatal}\n", ["omnictl.yaml:2:21 wrong-value"]),
        ("version: 1\nenvironments: {Prod: {}}\n", ["omnictl.yaml:2:16 wrong-form"]),
        ("version: 1\nvariables: {a-b: x}\n", ["omnictl.yaml:2:13 wrong-form"]),
        ("version: 1\nvariables: {a: {default: x, defualt: y}}\n", ["omnictl.yaml:2:29 unknown-key"]),
        ("version: 1\nvariables: {a: [x]}\n", ["omnictl.yaml:2:16 wrong-type"]),
        (
            "version: 1\nenvironments: {t: {budgets: {create: {limit: 0}}}}\n",
            ["omnictl.yaml:2:38 missing-key", "omnictl.yaml:2:46 wrong-value"],
        ),
        ("version: 1\nscenarios: []\n", ["omnictl.yaml:2:12 empty-list"]),
    ],
)
def test_every_mistake_of_the_settings_is_told(project: Path, text: str, expected: list[str]) -> None:
    from omnictl.config.settings import load_settings

    write(project, {"omnictl.yaml": text})
    _, found = load_settings(project / "omnictl.yaml", project)
    assert sorted(told(found)) == sorted(expected)


@pytest.mark.parametrize(
    "line",
    [
        "base_url: https://user:s3cretvalue@x.api.infobip.com",
        "account: App s3cretvalue-s3cretvalue",
        "account: Basic dXNlcjpzM2NyZXR2YWx1ZQ==",
        "account: 0123456789abcdef0123456789abcdef-01234567-89ab-cdef-0123-456789abcdef",
        "credentials: {api_key_env: 0123456789abcdef0123456789abcdef-01234567-89ab-cdef-0123-456789abcdef}",
        "credentials: {api_key: s3cretvalue}",
        "credentials: {password_env: 's3cretvalue!'}",
        '{"credentials": {"token": "s3cretvalue"}}',
        "variables: {x: App s3cretvalue-s3cretvalue}",
        "variables: {0123456789abcdef0123456789abcdef-01234567-89ab-cdef-0123-456789abcdef: x}",
    ],
)
def test_a_credential_in_the_settings_is_refused_and_never_shown(project: Path, line: str) -> None:
    from omnictl.config.settings import load_settings
    from omnictl.render.diagnostics import render_diagnostics
    from omnictl.render.style import Style

    fields = f"    {line}\n    nmae: x\n" if not line.startswith("{") else f"    {line}\n"
    write(project, {"omnictl.yaml": f"version: 1\nenvironments:\n  test:\n{fields}"})
    _, found = load_settings(project / "omnictl.yaml", project)
    text = render_diagnostics(found, Style())
    assert found
    for secret in ("s3cret", "0123456789abcdef", "zM2NyZXR", "dXNlcjp"):
        assert secret not in text


def test_an_application_code_of_push_is_no_credential(project: Path) -> None:
    code = "0123456789abcdef0123456789abcdef-01234567-89ab-cdef-0123-456789abcdef"
    write(
        project,
        {
            "omnictl.yaml": f"version: 1\nvariables: {{app: {code}}}\n"
            f"environments: {{t: {{variables: {{app: {code}}}}}}}\n",
            "scenarios/a.yaml": "name: App for notifications\nflow: [{channel: PUSH, from: '${var.app}'}]\n",
        },
    )
    assert validate(project).diagnostics == ()


@pytest.mark.parametrize(
    ("requirement", "version", "fits"),
    [
        (">=1.2", "1.2.0", True), (">=1.2", "1.1.9", False), (">=1.2, <2", "2.0", False), ("<=1", "1.0.0", True),
        (">1", "1.0.1", True), ("==1.2", "1.2", True), ("1.2", "1.3", False), ("<2", "1.9", True), ("~1", "1.0", False),
    ],
)  # fmt: skip
def test_requirements_are_compared_as_numbers(requirement: str, version: str, fits: bool) -> None:
    from omnictl.config.settings import satisfies

    assert satisfies(requirement, version) is fits


@pytest.mark.parametrize(
    "files",
    [
        {"scenarios/a.yaml": good("a", "import: {eu: XX, us: XX}\n")},
        {
            "scenarios/a.yaml": good("a", "only_in: [eu]\nimport: {eu: XX}\n"),
            "scenarios/b.yaml": good("b", "only_in: [us]\nimport: {us: XX}\n"),
        },
    ],
)
def test_two_environments_of_one_account_adopt_no_scenario_both(project: Path, files: dict[str, str]) -> None:
    write(project, {"omnictl.yaml": SHARED, **files})
    (found,) = validate(project).diagnostics
    assert found.code == "import-twice"
    assert "adopts XX in us" in found.detail
    assert " in eu; both environments are the account" in found.detail


def test_environments_of_other_accounts_have_keys_of_their_own(project: Path) -> None:
    write(project, {"omnictl.yaml": SHARED, "scenarios/a.yaml": good("a", "import: {eu: XX, asia: XX}\n")})
    assert validate(project).diagnostics == ()


@pytest.mark.parametrize(
    ("paths", "told_of"),
    [
        (("sa", "sb"), None),
        (("sa", "."), "a, b"),
        (("sb", "sb"), "a, b"),
        (("sb/x", "sb"), "a, b"),
        (("sa/*", "sb"), None),
    ],
)
@pytest.mark.parametrize("key", ["KEY", "7CAAC65C83DB00BEDA2F300936562B2B", "1234", "'12E4'", "1.5", "0x1F"])
def test_a_bare_key_is_of_the_environment_that_reads_its_file(
    project: Path, paths: tuple[str, str], told_of: str | None, key: str
) -> None:
    one, other = paths
    settings = f"version: 1\nenvironments:\n  a: {{scenarios: ['{one}']}}\n  b: {{scenarios: ['{other}']}}\n"
    write(project, {"omnictl.yaml": settings, "sb/x/y.yaml": good("y", f"import: {key}\n"), "sa/z/z.yaml": good("z")})
    found = [each for each in validate(project).diagnostics if each.code == "ambiguous-import"]
    assert [f"The scenario is in {told_of}," in each.detail for each in found] == ([True] if told_of else [])
