"""Finding drift in the outside world: state and account are read as for a plan, and nothing is written."""

from collections.abc import Sequence

from msgspec.structs import replace

from omnictl.engine.drift import find_drift
from omnictl.engine.planner import make_plan
from omnictl.engine.view import Circumstances, View
from omnictl.model.drift import Drift, IgnoreLine
from omnictl.model.scenario import Configuration
from omnictl.operations.plan import Reading, refuse_empty_selection


def drift_from_reading(
    reading: Reading, configuration: Configuration, circumstances: Circumstances, lines: Sequence[IgnoreLine] = ()
) -> Drift:
    """Compare a reading with what was recorded. Raises UsageError for a selection that names nothing."""
    refuse_empty_selection(configuration, reading.state, circumstances)
    view = View(configuration, reading.state, reading.remotes)
    drift = find_drift(view, circumstances, settled=reading.settled, lines=lines)
    guards = make_plan(view, circumstances, reading.settled).open_guards
    return replace(drift, guards=tuple(f"{each.guard.value}={each.subject}" for each in guards))
