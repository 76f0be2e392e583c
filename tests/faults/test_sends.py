"""Sendings that really die, where they talk and where they write: nobody has two messages, and nothing is forgotten."""

import json
import random
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from omnictl.sandbox.behaviour import SWITCHES
from omnictl.sandbox.faults import KINDS, parse_fault
from tests.faults.cases import Case, count_points, every_death, select
from tests.faults.mails import MAILS, PEOPLE, REFUSED, SEND_FEW, SEND_MANY, MailStory, MailTale, read_entries
from tests.faults.points import Death, Way
from tests.faults.stage import Launcher, Project, Service, served, tell
from tests.faults.test_kills import SEED, hold, one_of_each_name, row_of
from tests.faults.unkind import (
    LIARS_OF_MESSAGES,
    OF_MESSAGES_ALONE,
    OPERATIONS_OF_MESSAGES,
    UNKIND_OF_MESSAGES,
    Unkindness,
)

PARTS = 2
TAKEN = Death("POST: answered, not read", 2)
ABOUT_SENDING = tuple(
    each
    for each in UNKIND_OF_MESSAGES
    if each.name.partition(":")[2] not in ("401", "404", "409", "422", "429", "500", "html=404", "wrong-type")
    and (not each.faults or any(fault.startswith("send:") for fault in each.faults))
)
"""One of each kind that a sending can meet: a status stands for all of them."""


@pytest.fixture
def service(launcher: Launcher) -> Iterator[Service]:
    """An account of its own for each test."""
    with served(launcher) as opened:
        yield opened


@pytest.fixture
def tale(launcher: Launcher, service: Service, tmp_path: Path) -> MailTale:
    """A sending to many that is about to begin."""
    return begin(launcher, service, tmp_path)


def begin(
    launcher: Launcher,
    service: Service,
    folder: Path,
    story: MailStory = SEND_MANY,
    unkind: Unkindness | None = None,
    sabotage: str = "",
) -> MailTale:
    """Bring a sending to where it is to be run."""
    project = Project(folder / "p", launcher, service, sabotage)
    made = story.make_tale(project, unkind or Unkindness("kind"))
    made.begin(workers=1)
    return made


def talks(death: Death) -> bool:
    """Tell whether it is between the first look at the ledger and the last."""
    return death.point.startswith(("POST", "GET", "ledger: before COMMIT", "ledger: after COMMIT"))


@pytest.mark.parametrize("name", MAILS)
def test_a_sending_that_dies_at_any_kind_of_point_is_finished_by_resuming_it(
    launcher: Launcher, tmp_path: Path, name: str
) -> None:
    story, rnd = MAILS[name], random.Random(f"{SEED} {name}")
    deaths = one_of_each_name(every_death(count_points(launcher, tmp_path, story, 1)), rnd)
    chosen = rnd.sample([each for each in deaths if talks(each) or rnd.random() < 0.2], 6)
    assert hold(launcher, tmp_path, [Case(story, 1, (each,)) for each in chosen]) == len(chosen)


@pytest.mark.parametrize("way", [Way.CUT, Way.CUT_KEEPING_NAMES])
def test_a_ledger_that_was_just_made_outlives_a_power_cut(launcher: Launcher, tmp_path: Path, way: Way) -> None:
    """What sends first also makes the ledger, and the directories that it lies in."""
    hold(launcher, tmp_path, [Case(SEND_MANY, 1, (Death("POST: answer read", at, way),)) for at in (1, 7)])


def test_a_sending_that_dies_again_while_it_is_resumed_is_finished(launcher: Launcher, tmp_path: Path) -> None:
    rnd = random.Random(f"{SEED} again")
    deaths = select(every_death(count_points(launcher, tmp_path, SEND_MANY, 1)), talks)
    cases = [Case(SEND_MANY, 1, (rnd.choice(deaths), *rnd.sample(deaths, 2))) for _ in range(2)]
    assert hold(launcher, tmp_path, cases) >= len(cases)


@pytest.mark.parametrize("part", range(PARTS))
def test_under_each_unkindness_a_sending_that_dies_is_finished(launcher: Launcher, tmp_path: Path, part: int) -> None:
    rnd = random.Random(f"{SEED} unkind {part}")
    points = {
        each.name: select(every_death(count_points(launcher, tmp_path, each, 1)), talks) for each in MAILS.values()
    }
    hold(
        launcher,
        tmp_path,
        [_make_case(rnd, points, each) for each in ABOUT_SENDING[part :: 3 * PARTS]],
    )


def _make_case(rnd: random.Random, points: dict[str, list[Death]], unkind: Unkindness) -> Case:
    story = rnd.choice([SEND_FEW, SEND_MANY])
    return Case(story, 1, (rnd.choice(points[story.name]),), unkind)


@pytest.mark.parametrize("unkind", LIARS_OF_MESSAGES, ids=lambda each: each.name)
@pytest.mark.parametrize("ids", ["accepted", "rejected"])
def test_a_service_that_lies_about_a_message_is_believed_and_no_message_is_forgotten(
    launcher: Launcher, service: Service, tmp_path: Path, unkind: Unkindness, ids: str
) -> None:
    """What was taken stands in the ledger whatever was said of it; who may have two is one batch at most."""
    tale = begin(launcher, service, tmp_path, unkind=unkind)
    service.behave(repeated_message_ids=ids)
    for _ in range(4):
        ran = tale.run()
        if ran.code in (0, 4) and json.loads(ran.out)["not_tried"] == 0:
            break
    messages = service.ask("GET", "sandbox/messages")["messages"]
    entries = {each.message_id: each.fate for each in read_entries(tale.project)}
    assert {each["messageId"] for each in messages} <= set(entries), tell(tale.project.runs)
    by_phone = Counter(each["to"]["phoneNumber"] for each in messages for _ in range(each["times"]))
    twice = {phone for phone, number in by_phone.items() if number > 1}
    is_believed_unsent = unkind.name in ("send:401-after", "send:403-after", "send:429-after")
    assert len(twice) <= (3 if is_believed_unsent else 0), tell(tale.project.runs)
    if unkind.name == "send:429-after" and ids == "rejected":
        assert not twice
        assert all(entries[each["messageId"]] == "accepted" for each in messages)


# --- several runs, and files that change ---------------------------------------------------------------------------


def test_of_two_that_begin_the_same_at_once_one_is_refused_and_nobody_has_two(tale: MailTale) -> None:
    tale.project.service.behave(latency_seconds=0.1)
    codes = at_once(tale, (), (), ())
    assert codes[0] == 4, tell(tale.project.runs)  # somebody is refused by the service
    assert set(codes[1:]) <= {3, 6}, tell(tale.project.runs)
    tale.go_on()
    tale.check()


def test_of_two_that_resume_the_same_at_once_one_is_refused_and_nobody_has_two(tale: MailTale) -> None:
    tale.run(TAKEN)
    tale.project.service.behave(latency_seconds=0.1)
    resume = ("--resume", tale.runs_begun[0])
    codes = at_once(tale, resume, resume)
    assert codes == [4, 6], tell(tale.project.runs)
    assert "error[run-held]" in "".join(each.err for each in tale.project.runs)
    tale.check()


def at_once(tale: MailTale, *more: tuple[str, ...]) -> list[int]:
    """Run the command several times at once; returns the exit codes, sorted: 3 and 6 are those of the refused."""
    with ThreadPoolExecutor(len(more)) as pool:
        runs = list(pool.map(lambda each: tale.project.omnictl(*tale.story.words, *each), more))
    return sorted((each.code for each in runs), key=lambda code: (code in (3, 6), code))


def test_a_file_that_changed_is_not_resumed_and_is_a_run_of_its_own(tale: MailTale) -> None:
    tale.run(TAKEN)
    [run] = tale.runs_begun
    path = tale.project.root / "r.csv"
    before, taken = path.read_text(), tale._taken()
    path.write_text(before + "41793026899\n")
    refused = tale.project.omnictl(*tale.story.words, "--resume", run)
    assert (refused.code, tale._taken()) == (3, taken), tell(tale.project.runs)
    assert "error[other-run]" in refused.err
    path.write_text(before)
    tale.go_on()
    tale.check()


def test_only_again_sends_a_finished_file_again_and_only_new_run_begins_beside_an_unfinished_one(
    tale: MailTale,
) -> None:
    tale.run(Death(TAKEN.point, 3))
    again = tale.project.omnictl(*tale.story.words, "--again")
    assert again.code == 3, tell(tale.project.runs)
    assert "error[unfinished-run]" in again.err
    tale.go_on()
    assert tale.project.omnictl(*tale.story.words, "--again").code == 4, tell(tale.project.runs)
    assert tale.project.omnictl(*tale.story.words, "--new-run").code == 4, tell(tale.project.runs)
    runs = Counter(each.run for each in read_entries(tale.project) if each.fate == "accepted")
    assert len(runs) == 3
    taken = Counter(each["to"]["phoneNumber"] for each in tale._messages())
    assert taken == Counter(dict.fromkeys(PEOPLE - {REFUSED}, 3)), tell(tale.project.runs)


def test_unknown_ones_are_sent_again_with_their_ids_and_somebody_may_then_have_two(
    launcher: Launcher, service: Service, tmp_path: Path
) -> None:
    """There alone: the service had taken them, its logs never said so, and it takes an id twice."""
    unkind = Unkindness("lost", {}, ("send:cut-after", "logs:400,times=0"))
    tale = begin(launcher, service, tmp_path, SEND_FEW, unkind)
    assert tale.run().code == 4
    run = tale.runs_begun[0]
    said = tale.project.omnictl(*tale.story.words, "--resume", run)
    assert (said.code, tale._taken()) == (4, 2), tell(tale.project.runs)
    assert "--resend-unknown" in said.err
    tale.project.omnictl(*tale.story.words, "--resume", run, "--resend-unknown")
    assert sorted(each["times"] for each in tale._messages()) == [2, 2], tell(tale.project.runs)
    assert Counter(each.fate for each in read_entries(tale.project)) == {"accepted": 2, "refused": 1}


def test_the_table_has_every_unkindness_that_messages_can_meet() -> None:
    """A new switch, a new choice of one, or a new kind of fault has to come into the table."""
    tried = {(name, str(value)) for each in UNKIND_OF_MESSAGES for name, value in each.switches.items()}
    usual = {(each.name, str(each.default)) for each in SWITCHES}
    met = {(each.name, str(choice)) for each in SWITCHES if each.name in OF_MESSAGES_ALONE for choice in each.choices}
    assert met - usual <= tried
    faults = [parse_fault(text) for each in (*UNKIND_OF_MESSAGES, *LIARS_OF_MESSAGES) for text in each.faults]
    kinds = {(each.operation, row_of(each.kind)) for each in faults}
    possible = {(operation, kind) for kind, (operations, _) in KINDS.items() for operation in operations}
    assert {each for each in possible if each[0] in OPERATIONS_OF_MESSAGES} <= kinds
