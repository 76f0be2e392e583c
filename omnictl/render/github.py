"""Findings as workflow commands of GitHub Actions: they become annotations of the run and of the changed files."""

from collections.abc import Sequence

from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.render.findings import message_lines
from omnictl.render.style import sanitize

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def render_github(findings: Sequence[Diagnostic], *, title: str, summary: str) -> str:
    """Return one command a finding, and a last one that says how it ended."""
    lines = [_annotation(each) for each in findings]
    lines.append(_command("notice", {"title": title}, [sanitize(summary)]))
    return "\n".join(lines) + "\n"


def _annotation(each: Diagnostic) -> str:
    fields: dict[str, str] = {}
    if each.source is not None:
        fields["file"] = each.source.path.replace("\\", "/")
        places = {"line": each.source.line, "col": each.source.column}
        fields |= {name: str(number) for name, number in places.items() if number is not None}
        if each.source.end_column is not None and each.source.column is not None:
            fields["endColumn"] = str(each.source.end_column)
    fields["title"] = f"{each.code}: {each.summary}"
    return _command(_COMMANDS[each.severity], fields, message_lines(each) or [sanitize(each.summary)])


def _command(name: str, fields: dict[str, str], lines: Sequence[str]) -> str:
    told = ",".join(f"{key}={_property(sanitize(value))}" for key, value in fields.items())
    return f"::{name} {told}::" + "%0A".join(_message(each) for each in lines)


def _message(text: str) -> str:
    return text.replace("%", "%25")


def _property(text: str) -> str:
    """Properties end at a comma, and the message begins at a colon."""
    return _message(text).replace(":", "%3A").replace(",", "%2C")
