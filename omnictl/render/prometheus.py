"""Drift as metrics in the text format of Prometheus, for the textfile collector of the node exporter.

No name of a scenario is a label: metrics hold numbers, and the report of the same run has the names.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from omnictl.model.diagnostic import Diagnostic
from omnictl.model.drift import Drift, Kind
from omnictl.render.style import sanitize

METRICS = {
    "omnictl_drift_check_success": "Whether the last check came to a result (1) or failed (0).",
    "omnictl_drift_last_check_timestamp_seconds": "When the account was last compared, in seconds since 1970.",
    "omnictl_drift_scenarios": "Managed scenarios that are not as recorded, by kind.",
    "omnictl_drift_default_moved": "Whether the account default is not where it was recorded.",
    "omnictl_managed_scenarios": "Recorded scenarios that were compared.",
    "omnictl_managed_elsewhere_scenarios": "Scenarios of the account that other environments manage.",
    "omnictl_unmanaged_scenarios": "Scenarios of the account that nobody manages, without ignored ones.",
    "omnictl_unmanaged_ignored_scenarios": "Scenarios of the account that .omnictlignore names.",
    "omnictl_coverage_ratio": "The managed share of the scenarios of the account, without ignored ones.",
}
"""What each metric says, in the order in which they are written."""

Labels = Mapping[str, str]


def render_prometheus(drift: Drift) -> str:
    """Return the metrics of a check."""
    labels = _labels(drift.environment, sandbox=drift.sandbox)
    ignored = len(drift.unmanaged) - len(drift.not_managed)
    numbers = {Kind.CONFLICT: drift.counts.conflict, Kind.DRIFT: drift.counts.drift}
    numbers |= {Kind.IGNORED: drift.counts.ignored, Kind.VANISHED: drift.counts.vanished}
    kinds = [({**labels, "kind": kind.value}, number) for kind, number in numbers.items()]
    lines = [
        *_metric("omnictl_drift_check_success", [(labels, 1)]),
        *_metric("omnictl_drift_last_check_timestamp_seconds", [(labels, int(drift.checked_at.timestamp()))]),
        *_metric("omnictl_drift_scenarios", kinds),
        *_metric("omnictl_drift_default_moved", [(labels, int(drift.default is not None))]),
        *_metric("omnictl_managed_scenarios", [(labels, drift.counts.managed)]),
        *_metric("omnictl_managed_elsewhere_scenarios", [(labels, len(drift.elsewhere))]),
        *_metric("omnictl_unmanaged_scenarios", [(labels, len(drift.not_managed))]),
        *_metric("omnictl_unmanaged_ignored_scenarios", [(labels, ignored)]),
        *_metric("omnictl_coverage_ratio", [(labels, drift.coverage)]),
    ]
    return _document(lines, sandbox=drift.sandbox)


def render_prometheus_failure(diagnostics: Iterable[Diagnostic], environment: str, *, sandbox: bool) -> str:
    """Return the one metric of a check that failed, and why as comments; what an earlier one found is not claimed."""
    labels = _labels(environment, sandbox=sandbox)
    why = (f"# {each.code}: {sanitize(each.summary)}" for each in diagnostics)
    return _document((*why, *_metric("omnictl_drift_check_success", [(labels, 0)])), sandbox=sandbox)


def _document(lines: Iterable[str], *, sandbox: bool) -> str:
    banner = ["# SANDBOX: nothing leaves this machine"] if sandbox else []
    return "".join(f"{line}\n" for line in (*banner, *lines))


def _labels(environment: str, *, sandbox: bool) -> Labels:
    return {"environment": sanitize(environment), **({"sandbox": "true"} if sandbox else {})}


def _metric(name: str, samples: Sequence[tuple[Labels, float]]) -> Iterator[str]:
    yield f"# HELP {name} {METRICS[name]}"
    yield f"# TYPE {name} gauge"
    for labels, value in samples:
        spelled = ",".join(f'{label}="{escape_label(text)}"' for label, text in labels.items())
        yield f"{name}{{{spelled}}} {value}"


def escape_label(text: str) -> str:
    """Return the value of a label: backslash, quote and line feed are escaped, and nothing else may be."""
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
