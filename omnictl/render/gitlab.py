"""What GitLab shows on a merge request: the counts of a plan, and findings as code quality."""

import hashlib
from collections import Counter
from collections.abc import Sequence

from omnictl.codec.shapes import write_json
from omnictl.model.change import Action
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.plan import Plan
from omnictl.model.scenario import Json
from omnictl.render.findings import message_lines
from omnictl.render.plan_words import describe, shown_changes
from omnictl.render.style import Style, sanitize

_SEVERITIES = {Severity.ERROR: "critical", Severity.WARNING: "minor", Severity.NOTE: "info"}


def render_gitlab(plan: Plan) -> str:
    """Return the counts for ``artifacts:reports:terraform``.

    Nothing is ever deleted from an account, so ``delete`` is 0; whatever is no create counts as an update.
    """
    kinds = Counter(describe(each, Style()).action for each in shown_changes(plan))
    return _document({"create": kinds[Action.CREATE], "update": kinds.total() - kinds[Action.CREATE], "delete": 0})


def render_gitlab_failure(findings: Sequence[Diagnostic]) -> str:
    """Return a report without counts: GitLab then says that there is no plan, instead of "0 to change"."""
    return _document({"errors": [f"{each.code}: {sanitize(each.summary)}" for each in findings]})


def render_gitlab_codequality(findings: Sequence[Diagnostic]) -> str:
    """Return findings for ``artifacts:reports:codequality``; one without a place is shown at omnictl.yaml."""
    seen: Counter[str] = Counter()
    return _document([_finding(each, seen) for each in findings])


def _finding(each: Diagnostic, seen: Counter[str]) -> Json:
    path = each.source.path.replace("\\", "/") if each.source else "omnictl.yaml"
    text = " ".join((f"{sanitize(each.summary)}.", *(line.strip() for line in message_lines(each))))
    base = f"{each.code}\0{path}\0{each.detail}"
    number, seen[base] = seen[base], seen[base] + 1
    fingerprint = hashlib.sha256(f"{base}\0{number}".encode("utf-8", "surrogatepass")).hexdigest()
    line = each.source.line if each.source and each.source.line else 1
    return {
        "description": text,
        "check_name": each.code,
        "fingerprint": fingerprint,
        "severity": _SEVERITIES[each.severity],
        "location": {"path": sanitize(path), "lines": {"begin": line}},
    }


def _document(value: Json) -> str:
    return write_json(value) + "\n"
