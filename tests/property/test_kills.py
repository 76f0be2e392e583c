"""Over random stories: a run may be killed at any request or write, and the next ones finish what it began."""

from collections import Counter

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from tests.mortal import Moment, Watch, is_killed
from tests.property.stories import (
    EVERYTHING_ALLOWED,
    FLOWS,
    Edit,
    assert_settled,
    edit_files,
    edits,
    finish,
    founding,
    others,
    owned,
    worlds,
)
from tests.worlds import World, declare

SLOW_IS_FINE = [HealthCheck.too_slow, HealthCheck.data_too_large]
numbers = st.sampled_from([1, 2, 3, 4, 5, 6, 8, 11])
deaths = st.tuples(st.sampled_from(list(Moment)), numbers)


def survive(world: World, deaths: list[tuple[Moment, int]], later: list[Edit]) -> list[Watch]:
    """Kill a run at each of these moments, edit the files, and let a last run finish. Returns what was watched."""
    theirs, mine = others(world), owned(world)
    watched = []
    for moment, at in deaths:
        watch = Watch(moment, at, overlap=world.workers)
        is_killed(world, watch, allowed=EVERYTHING_ALLOWED)
        watched.append(watch)
    edit_files(world, later)
    finish(world)
    assert_settled(world, theirs, mine)
    return watched


@pytest.mark.parametrize("workers", [1, 3])
@given(world=worlds(), death=deaths, later=edits, is_local=st.booleans())
@settings(max_examples=150, deadline=None, suppress_health_check=SLOW_IS_FINE)
def test_a_killed_run_loses_nothing_and_doubles_nothing(
    workers: int, world: World, death: tuple[Moment, int], later: list[Edit], is_local: bool
) -> None:
    world.workers = workers
    world.backend.is_local = is_local
    [watch] = survive(world, [death], later)
    event(f"killed {death[0]}" if watch.dead else "lived")


@given(world=worlds(), deaths=st.lists(deaths, min_size=2, max_size=4), later=edits)
@settings(max_examples=80, deadline=None, suppress_health_check=SLOW_IS_FINE)
def test_runs_that_are_killed_again_and_again_lose_nothing_and_double_nothing(
    world: World, deaths: list[tuple[Moment, int]], later: list[Edit]
) -> None:
    watched = survive(world, deaths, later)
    event(f"killed {sum(each.dead for each in watched)} times")


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("moment", Moment)
@pytest.mark.parametrize("is_local", [True, False])
def test_each_cut_of_one_run_is_survived(moment: Moment, workers: int, is_local: bool) -> None:
    """Every request and every write of one run with creates, updates, a default that moves and a removal."""
    cuts = 0
    while True:
        world = busy_world()
        world.workers, world.backend.is_local = workers, is_local
        cuts += 1
        [watch] = survive(world, [(moment, cuts)], [])
        if not watch.dead:
            break
    assert cuts > {"request": 10, "write": 5}[moment.split()[-1]]


def busy_world() -> World:
    """Return a world whose next apply does a bit of everything."""
    world = World()
    world.declare("a")
    world.declare("b")
    world.declare("c")
    world.apply()
    del world.files["c"]
    world.declare("a", declare("a", "Edited", FLOWS[0]))
    world.declare("d", declare("d", "Same", FLOWS[1], default=True))
    world.declare("e", declare("e", "Same", FLOWS[1]))
    world.declare("a-x", declare("a-x", "Another", FLOWS[2]))
    world.account.plant(world.files["d"].attributes)
    return world


@pytest.mark.parametrize("moment", Moment)
def test_the_kills_reach_every_moment(moment: Moment) -> None:
    seen: Counter[str] = Counter()

    @given(worlds(), numbers, founding)
    @settings(max_examples=60, deadline=None, derandomize=True, database=None, suppress_health_check=SLOW_IS_FINE)
    def look(world: World, at: int, new: list[Edit]) -> None:
        edit_files(world, new)
        before = len(world.account.rows)
        killed = is_killed(world, Watch(moment, at), allowed=EVERYTHING_ALLOWED)
        seen.update(["killed" if killed else "lived"])
        if killed and world.state.intents:
            seen.update(["an intent open, created" if len(world.account.rows) > before else "an intent open alone"])

    look()
    wanted = ["killed", "lived"]
    if moment is Moment.AFTER_REQUEST:
        wanted.append("an intent open, created")
    if moment in (Moment.BEFORE_REQUEST, Moment.AFTER_WRITE):
        wanted.append("an intent open alone")
    rare = [each for each in wanted if not seen[each]]
    assert not rare, f"the kills never reach these: {rare} of {seen}"


@pytest.mark.parametrize("workers", [1, 3])
def test_a_killed_run_does_nothing_more(workers: int) -> None:
    """What these tests mean by a kill: no thread of the run gets anything done after it."""
    world = busy_world()
    world.workers = workers
    watch = Watch(Moment.BEFORE_REQUEST, 3, overlap=workers)
    assert is_killed(world, watch, allowed=EVERYTHING_ALLOWED)
    assert watch.dead
    assert watch.counts["request"] == 3
    assert watch.flying == 0
