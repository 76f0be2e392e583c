"""Three versions of a flow side by side: who changed which step, and what was changed alike on both sides."""

import pytest

from omnictl.engine.normalised import read_versions
from omnictl.engine.rows import compare_versions
from omnictl.model.address import make_address
from omnictl.model.drift import NameRow, Placed, Row, StepRow
from omnictl.model.scenario import Attributes
from omnictl.model.state import Record
from tests.builders import flow

BASE = "VKONTAKTE > VIBER:Acme > SMS:Info"


def compare(
    applied: Attributes, observed: Attributes, actual: Attributes, desired: Attributes, *, declared: bool = True
) -> tuple[Row, ...]:
    """Return the rows of a scenario as it was sent and answered, as the account has it, and as the files have it."""
    record = Record(make_address("a"), "KEY", applied, observed)
    return compare_versions(read_versions(record, actual, desired), declared=declared)


def rows(
    account: str, files: str, base: str = BASE, observed: str | None = None, *, declared: bool = True
) -> list[str]:
    """Return the rows of a flow as ``field recorded | account | files verdict``."""
    applied, seen, actual, desired = (Attributes("x", flow(each)) for each in (base, observed or base, account, files))
    found = compare(applied, seen, actual, desired, declared=declared)
    return [f"{each.field} {told(each)} {each.verdict.value}" for each in found]


def told(row: NameRow | StepRow) -> str:
    assert isinstance(row, StepRow)
    return " | ".join(map(one, (row.recorded, row.account, row.files)))


def one(placed: Placed | None) -> str:
    if placed is None:
        return "-"
    sender = f":{placed.step.sender}" if placed.step.sender else ""
    return f"{placed.position}{'!' * placed.moved} {placed.step.channel}{sender}"


@pytest.mark.parametrize(
    ("account", "files", "expected"),
    [
        (BASE, BASE, []),
        ("VKONTAKTE > VIBER:Acme > SMS:New", BASE, ["flow[2].from 3 SMS:Info | 3 SMS:New | 3 SMS:Info account only"]),
        (BASE, "VKONTAKTE > VIBER:Acme > SMS", ["flow[2].from 3 SMS:Info | 3 SMS:Info | 3 SMS files only"]),
        (
            "VKONTAKTE > VIBER:Acme > SMS:New",
            "VKONTAKTE > VIBER:Acme > SMS:Other",
            ["flow[2].from 3 SMS:Info | 3 SMS:New | 3 SMS:Other conflict"],
        ),
        ("VKONTAKTE > VIBER:Acme > SMS:New", "VKONTAKTE > VIBER:Acme > SMS:New", []),
        ("VKONTAKTE > SMS:Info", BASE, ["flow[1] 2 VIBER:Acme | - | 2 VIBER:Acme account only"]),
        (BASE, "VKONTAKTE > SMS:Info", ["flow[1] 2 VIBER:Acme | 2 VIBER:Acme | - files only"]),
        (f"{BASE} > EMAIL:a", BASE, ["flow[3] - | 4 EMAIL:a | - account only"]),
        (BASE, f"{BASE} > EMAIL:a", ["flow[3] - | - | 4 EMAIL:a files only"]),
        (
            f"{BASE} > EMAIL:a",
            f"{BASE} > PUSH:a",
            ["flow[3] - | - | 4 PUSH:a files only", "flow[3] - | 4 EMAIL:a | - account only"],
        ),
        (f"{BASE} > EMAIL:a", f"{BASE} > EMAIL:b", ["flow[3].from - | 4 EMAIL:a | 4 EMAIL:b conflict"]),
        (
            f"EMAIL:a > {BASE}",
            f"{BASE} > EMAIL:a",
            ["flow[3] - | 1! EMAIL:a | 4! EMAIL:a conflict"],
        ),
        (
            "VIBER:Acme > SMS:Info > VKONTAKTE",
            BASE,
            ["flow[0] 1 VKONTAKTE | 3! VKONTAKTE | 1 VKONTAKTE account only"],
        ),
        (
            f"EMAIL:a > {BASE}",
            "VKONTAKTE > VIBER:Acme > SMS:New",
            [
                "flow[2].from 3 SMS:Info | 4 SMS:Info | 3 SMS:New files only",
                "flow[0] - | 1 EMAIL:a | - account only",
            ],
        ),
        (
            "EMAIL:a > VKONTAKTE > VIBER:Acme > SMS:New",
            f"EMAIL:a > {BASE}",
            ["flow[3].from 3 SMS:Info | 4 SMS:New | 4 SMS:Info account only"],
        ),
        (
            "VKONTAKTE > SMS:New",
            "VKONTAKTE > SMS:Info",
            ["flow[1].from 3 SMS:Info | 2 SMS:New | 2 SMS:Info account only"],
        ),
        (
            "VIBER:Acme > VKONTAKTE > SMS:Info",
            "VKONTAKTE > SMS:Info > VIBER:Acme",
            ["flow[2] 2 VIBER:Acme | 1! VIBER:Acme | 3! VIBER:Acme conflict"],
        ),
        (
            "VKONTAKTE > SMS:Info",
            "VKONTAKTE > VIBER > SMS:Info",
            ["flow[1] 2 VIBER:Acme | - | 2 VIBER conflict"],
        ),
    ],
)
def test_flows(account: str, files: str, expected: list[str]) -> None:
    assert rows(account, files) == expected


@pytest.mark.parametrize(
    ("account", "files", "expected"),
    [
        ("D > A > B > C", "A > D > B > C", ["flow[1] 4 D | 1! D | 2! D conflict"]),
        ("D > A > B > C", "D > A > B > C", []),
        ("D > A > B > C", "D > A > B > C > E", ["flow[4] - | - | 5 E files only"]),
        ("D > A > B > C", "A > B > C", ["flow[0] 4 D | 1 D | - files only"]),
    ],
)
def test_a_step_that_both_sides_moved(account: str, files: str, expected: list[str]) -> None:
    assert rows(account, files, "A > B > C > D") == expected


@pytest.mark.parametrize(
    ("account", "files", "expected"),
    [
        ("VKONTAKTE > SMS:INFO", "VKONTAKTE > SMS:Info", []),
        (
            "VKONTAKTE > SMS:INFO",
            "VKONTAKTE > SMS:New",
            ["flow[1].from 2 SMS:Info | 2 SMS:Info | 2 SMS:New files only"],
        ),
        (
            "VKONTAKTE > SMS:New",
            "VKONTAKTE > SMS:Info",
            ["flow[1].from 2 SMS:Info | 2 SMS:New | 2 SMS:Info account only"],
        ),
        ("VKONTAKTE", "VKONTAKTE > SMS:Info", ["flow[1] 2 SMS:Info | - | 2 SMS:Info account only"]),
    ],
)
def test_a_sender_that_the_service_bent(account: str, files: str, expected: list[str]) -> None:
    assert rows(account, files, "VKONTAKTE > SMS:Info", "VKONTAKTE > SMS:INFO") == expected


@pytest.mark.parametrize(
    ("account", "files", "expected"),
    [
        ("VKONTAKTE", "VKONTAKTE > SMS:Info", []),
        (
            "VKONTAKTE > EMAIL:a",
            "VKONTAKTE > SMS:Info",
            ["flow[1] 2 SMS:Info | - | 2 SMS:Info account only", "flow[1] - | 2 EMAIL:a | - account only"],
        ),
        ("VKONTAKTE", "VKONTAKTE", []),
        (
            "VKONTAKTE",
            "VKONTAKTE > SMS:New",
            ["flow[1].from 2 SMS:Info | 2 SMS:Info | 2 SMS:New files only"],
        ),
    ],
)
def test_a_step_that_the_service_dropped(account: str, files: str, expected: list[str]) -> None:
    assert rows(account, files, "VKONTAKTE > SMS:Info", "VKONTAKTE") == expected


def test_without_a_file_nothing_is_said_of_the_files() -> None:
    assert rows("VKONTAKTE > SMS:Info", BASE, declared=False) == ["flow[1] 2 VIBER:Acme | - | - account only"]
    applied, actual = Attributes("x", flow(BASE)), Attributes("y", flow(BASE))
    (row,) = compare(applied, applied, actual, applied, declared=False)
    assert isinstance(row, NameRow)
    assert (row.field, row.recorded, row.account, row.files) == ("name", "x", "y", None)


def test_conflicts_stand_first_then_what_only_the_files_changed() -> None:
    applied = Attributes("old", flow("SMS:A > VIBER:B"))
    actual = Attributes("account", flow("SMS:C > VIBER:B > EMAIL:d"))
    desired = Attributes("old", flow("SMS:E > VIBER:F"))
    found = compare(applied, applied, actual, desired)
    assert [each.field for each in found] == ["flow[0].from", "flow[1].from", "name", "flow[2]"]


@pytest.mark.parametrize(
    ("base", "account", "files", "expected"),
    [
        ("A > SMS:x", "A > SMS:y", "A > SMS:z", [True]),
        ("A > SMS:x", "A > SMS:x > E", "A > SMS:x", [True]),
        ("A > B > SMS:x", "A > SMS:x", "A > B > SMS:y", [True, True]),
        ("A > B > SMS:x", "SMS:x > A > B", "A > B > SMS:x > F", [True, True]),
        ("A > B > C", "A > C", "B > C", [False, False]),
        ("A > B", "A > B > E", "A > B > F", [False, False]),
        ("A > B > C", "C > A > B", "B > C", [True, True]),
        ("V:a > V:a > K > K", "K", "P > K", [True]),
    ],
)
def test_a_row_that_a_field_can_name_alone(base: str, account: str, files: str, expected: list[bool]) -> None:
    applied, actual, desired = (Attributes("x", flow(each)) for each in (base, account, files))
    found = compare(applied, applied, actual, desired)
    assert [each.acceptable for each in found] == expected
    assert not any(each.acceptable for each in compare(applied, applied, actual, applied, declared=False))


def test_a_name_can_be_accepted_where_a_file_has_another() -> None:
    applied, actual = Attributes("x", flow("A")), Attributes("y", flow("A"))
    for declared in (True, False):
        (row,) = compare(applied, applied, actual, applied, declared=declared)
        assert row.acceptable == declared
