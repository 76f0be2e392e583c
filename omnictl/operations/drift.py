"""Finding drift in the outside world: state and account are read as for a plan, and nothing is written."""

from collections.abc import Sequence

from omnictl.engine.drift import find_drift
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
    return find_drift(view, circumstances, settled=reading.settled, lines=lines)
