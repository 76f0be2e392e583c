"""What of the account a file takes over: the changes of others, fields by their names, ignored and normalised ones."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from omnictl.engine.accepting import accept_account, differing_fields, is_field
from omnictl.engine.normalised import read_versions
from omnictl.engine.rows import compare_versions
from omnictl.errors import UsageError
from omnictl.model.acceptance import Acceptance
from omnictl.model.address import make_address
from omnictl.model.scenario import Attributes, IgnoredField, Lifecycle, Manage, Resource, Step
from omnictl.model.state import Record
from tests.builders import flow

ADDRESS = make_address("a")


def accept(
    file: str,
    account: str,
    *fields: str,
    applied: str | None = None,
    observed: str | None = None,
    names: tuple[str, str] = ("A", "A"),
    ignored: Sequence[str] = (),
) -> Acceptance:
    """Accept a flow; what was applied is the file's, unless it is told."""
    lifecycle = Lifecycle(ignore_changes=tuple(IgnoredField(each) for each in ignored))
    was = Attributes(names[0], flow(applied or file))
    record = Record(ADDRESS, "KEY", was, Attributes(names[0], flow(observed or applied or file)))
    resource = Resource(ADDRESS, Attributes(names[0], flow(file)), lifecycle=lifecycle)
    return accept_account(resource, record, Attributes(names[1], flow(account)), fields)


def shown(accepted: Acceptance) -> str:
    return " > ".join(f"{each.step.channel}:{each.step.sender or ''}".rstrip(":") for each in accepted.flow)


@pytest.mark.parametrize(
    ("file", "account", "field", "becomes"),
    [
        ("VK > SMS:A", "VIBER:X > VK > SMS:B", "flow[0]", "VIBER:X > VK > SMS:A"),
        ("VK > SMS:A", "VIBER:X > VK > SMS:B", "flow[1].from", "VK > SMS:B"),
        ("VK > SMS:A", "VIBER:X > VK > SMS:B", "flow[1]", "VK > SMS:B"),
        ("VK > SMS:A", "VIBER:X > VK > SMS:B", "flow[2]", "VK > SMS:B"),
        ("VK > SMS:A", "VIBER:X > VK > SMS:B", "flow[2].from", "VK > SMS:B"),
        ("VK > SMS:A", "VIBER:X > VK > SMS:B", "flow", "VIBER:X > VK > SMS:B"),
        ("VK > SMS:A > EMAIL:M", "VK > EMAIL:M", "flow[1]", "VK > EMAIL:M"),
        ("VK > VIBER:X > SMS:A", "VK > LINE:L > SMS:A", "flow[1]", "VK > LINE:L > SMS:A"),
        ("VK > SMS:A > VIBER:X", "VIBER:X > VK > SMS:A > EMAIL:M", "flow[2]", "VIBER:X > VK > SMS:A"),
        ("VK > SMS:A > VIBER:X", "VIBER:X > VK > SMS:A > EMAIL:M", "flow[0]", "VIBER:X > VK > SMS:A"),
        ("VK > SMS:A > VIBER:X", "VIBER:X > VK > SMS:A > EMAIL:M", "flow[3]", "VK > SMS:A > EMAIL:M > VIBER:X"),
        ("SMS:A", "SMS", "flow[0].from", "SMS"),
        ("SMS", "SMS:A", "flow[0].from", "SMS:A"),
        ("A:1 > B:1", "C:1 > D:1", "flow[1]", "A:1 > D:1"),
        ("VK > SMS:A > VIBER:X", "VIBER:Y > VK > SMS:A", "flow[2]", "VIBER:Y > VK > SMS:A"),
        ("VK > SMS:A > VIBER:X", "VIBER:Y > VK > SMS:A", "flow[2].from", "VK > SMS:A > VIBER:Y"),
    ],
)
def test_one_step_edit_is_taken_without_the_others(file: str, account: str, field: str, becomes: str) -> None:
    assert shown(accept(file, account, field)) == becomes


def test_both_names_of_one_step_take_it_whole() -> None:
    for fields in (("flow[2]", "flow[2].from"), ("flow[2].from", "flow[2]")):
        assert shown(accept("VK > SMS:A > VIBER:X", "VIBER:Y > VK > SMS:A", *fields)) == "VIBER:Y > VK > SMS:A"


@pytest.mark.parametrize("field", ["name", "flow[0]", "flow[1]", "flow[0].from", "flow[7].from", "flow[9]"])
def test_a_field_that_does_not_differ_is_an_error_with_those_that_do(field: str) -> None:
    with pytest.raises(UsageError) as caught:
        accept("VK > SMS:A > VIBER:X", "VK > SMS:A > VIBER:Y > EMAIL:M", field)
    assert "These differ: flow[2].from, flow[3]." in caught.value.diagnostics[0].detail


def test_a_field_that_does_not_differ_where_nothing_does() -> None:
    with pytest.raises(UsageError) as caught:
        accept("VK", "VK", "name")
    assert "Nothing of it differs." in caught.value.diagnostics[0].detail


def test_without_fields_the_changes_of_others_are_taken_and_those_of_the_file_stay() -> None:
    accepted = accept("VK > SMS:FILE", "VK > SMS:A > EMAIL:M", applied="VK > SMS:A")
    assert shown(accepted) == "VK > SMS:FILE > EMAIL:M"
    assert accepted.fields == ("flow[2]",)


@pytest.mark.parametrize(
    ("applied", "file", "account", "becomes"),
    [
        ("VK > SMS:A", "VK > SMS:FILE", "VK > SMS:ACCOUNT", "VK > SMS:ACCOUNT"),
        ("VK > SMS:A", "VK > SMS:A > EMAIL:M", "SMS:A", "SMS:A > EMAIL:M"),
        ("VK > SMS:A > VIBER:X", "SMS:A > VIBER:X", "VK > SMS:A > VIBER:Y", "SMS:A > VIBER:Y"),
        ("VK > SMS:A > VIBER:X", "VIBER:X > VK > SMS:A", "VK > SMS:B > VIBER:X", "VIBER:X > VK > SMS:B"),
    ],
)
def test_changes_on_both_sides(applied: str, file: str, account: str, becomes: str) -> None:
    assert shown(accept(file, account, applied=applied)) == becomes


def test_an_edit_of_the_file_alone_is_no_drift() -> None:
    accepted = accept("VK > SMS:FILE", "VK > SMS:A", applied="VK > SMS:A")
    assert (accepted.fields, shown(accepted)) == ((), "VK > SMS:FILE")


def test_what_the_service_normalised_is_not_taken() -> None:
    assert accept("VK > SMS:Info Sms", "VK > SMS:InfoSms", observed="VK > SMS:InfoSms").fields == ()
    accepted = accept("SMS:Info Sms > VK", "VK > SMS:InfoSms > LINE:L", observed="SMS:InfoSms > VK")
    assert shown(accepted) == "VK > SMS:Info Sms > LINE:L"


def test_a_flow_that_the_service_made_another_one_of() -> None:
    assert accept("VK > SMS:A", "SMS:A", observed="SMS:A").fields == ()
    assert shown(accept("VK > SMS:A", "SMS:B", observed="SMS:A")) == "SMS:B"


def test_ignored_fields_are_taken_only_by_name() -> None:
    given = {"names": ("A", "B"), "ignored": ("name", "flow[1].from")}
    accepted = accept("VK > SMS:A", "LINE:L > VK > SMS:B", **given)  # type: ignore[arg-type]
    assert shown(accepted) == "LINE:L > VK > SMS:A"
    assert (accepted.attributes.name, accepted.fields) == ("A", ("flow[0]",))
    named = accept("VK > SMS:A", "LINE:L > VK > SMS:B", "name", "flow[1].from", **given)  # type: ignore[arg-type]
    assert (named.attributes.name, shown(named)) == ("B", "VK > SMS:B")


def test_an_ignored_sender_stays_where_its_step_moves() -> None:
    accepted = accept("VK > LINE:L > SMS:A", "SMS:B > VK > LINE:L", ignored=("flow[2].from",))
    assert shown(accepted) == "SMS:A > VK > LINE:L"


def test_an_ignored_flow() -> None:
    assert accept("VK", "SMS:A", ignored=("flow",)).fields == ()
    assert shown(accept("VK", "SMS:A", "flow", ignored=("flow",))) == "SMS:A"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("name", True), ("flow", True), ("flow[0]", True), ("flow[10].from", True), ("flow[x]", False)]
    + [(each, False) for each in ("default", "", "flow[-1]", "flow[0].channel", "flow[0] ", "id", "flow[²]")],
)
def test_what_a_field_looks_like(text: str, expected: bool) -> None:
    assert is_field(text) is expected


STEPS = st.builds(Step, st.sampled_from(("VK", "SMS", "EMAIL")), st.sampled_from((None, "A", "B")))
FLOWS = st.lists(STEPS, max_size=6).map(tuple)


@given(FLOWS, FLOWS)
def test_all_edits_together_are_the_account(file: tuple[Step, ...], account: tuple[Step, ...]) -> None:
    was, now = Attributes("A", file), Attributes("B", account)
    accepted = accept_account(Resource(ADDRESS, was), Record(ADDRESS, "KEY", was, was), now, ())
    assert accepted.attributes == now
    assert tuple(each.step for each in accepted.flow) == account
    origins = [each.origin for each in accepted.flow if each.origin is not None]
    assert len(origins) == len(set(origins))


@given(FLOWS, FLOWS)
def test_every_field_that_differs_can_be_named_and_leads_closer(
    file: tuple[Step, ...], account: tuple[Step, ...]
) -> None:
    was, now = Attributes("A", file), Attributes("A", account)
    record = Record(ADDRESS, "KEY", was, was)
    differing = differing_fields(Resource(ADDRESS, was), record, now)
    assert bool(differing) == (file != account)
    for each in differing:
        accepted = accept_account(Resource(ADDRESS, was), record, now, (each,))
        assert accepted.attributes.flow != file
        assert each in accepted.fields
    together = accept_account(Resource(ADDRESS, was), record, now, differing) if differing else None
    assert together is None or together.attributes.flow == account


@given(FLOWS, FLOWS)
def test_accepting_twice_is_accepting_once(file: tuple[Step, ...], account: tuple[Step, ...]) -> None:
    was, now = Attributes("A", file), Attributes("A", account)
    record = Record(ADDRESS, "KEY", was, was)
    once = accept_account(Resource(ADDRESS, was), record, now, ()).attributes
    assert accept_account(Resource(ADDRESS, once), record, now, ()).fields == ()


@given(FLOWS, FLOWS, FLOWS)
def test_what_drift_says_to_accept_is_accepted_alone(
    applied: tuple[Step, ...], file: tuple[Step, ...], account: tuple[Step, ...]
) -> None:
    was, now, desired = Attributes("A", applied), Attributes("B", account), Attributes("C", file)
    record = Record(ADDRESS, "KEY", was, was)
    for row in compare_versions(read_versions(record, now, desired), declared=True):
        if row.acceptable:
            accepted = accept_account(Resource(ADDRESS, desired), record, now, (row.field,))
            assert accepted.fields == (row.field,)


@pytest.mark.parametrize(
    ("file", "account"),
    [
        ("SMS:A > VIBER:V2", "SMS:A > VIBER:V2x"),
        ("VIBER:V > SMS:A", "SMS:B > LINE:L"),
        ("SMS:A", "SMS:A"),
        ("SMS:A", "SMS:A > VIBER:V"),
        ("VIBER:V > SMS:A", "SMS:A > VIBER:V"),
        ("LINE:L", "SMS:A > VIBER:V"),
        ("SMS:A > VIBER:V > EMAIL:E", "VIBER:V > SMS:A"),
    ],
)
def test_of_what_is_only_observed_all_is_taken_whoever_changed_it(file: str, account: str) -> None:
    """No apply brings the file to the account, so nothing of it is worth keeping."""
    was = Attributes("Name", flow("SMS:A > VIBER:V"))
    resource = Resource(ADDRESS, Attributes("Edited", flow(file)), lifecycle=Lifecycle(manage=Manage.OBSERVE))
    actual = Attributes("Theirs", flow(account))
    found = accept_account(resource, Record(ADDRESS, "KEY", was, was), actual, ())
    assert found.attributes == actual
    assert found.refusal is None
    again = accept_account(replace(resource, attributes=found.attributes), Record(ADDRESS, "KEY", was, was), actual, ())
    assert (again.attributes, again.fields) == (actual, ())
    kept = Lifecycle(manage=Manage.OBSERVE, ignore_changes=(IgnoredField("name"),))
    found = accept_account(replace(resource, lifecycle=kept), Record(ADDRESS, "KEY", was, was), actual, ())
    assert found.attributes == Attributes("Edited", actual.flow)
