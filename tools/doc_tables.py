"""The tables of the pages, from the code's own: diagnostics, exit codes, guards, the options of the commands."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import click

from omnictl.cli.exit_codes import MEANINGS
from omnictl.cli.explanations import all_codes, codes_by_module
from omnictl.cli.main import cli
from omnictl.config.schema import schema_text
from omnictl.config.wording import TYPE_WORDS
from omnictl.engine.guard import EXPLANATIONS
from omnictl.model.message import CONTENT_NAMES

_GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Files and settings", ("omnictl.config",)),
    ("Lint", ("omnictl.lint",)),
    ("Credentials and the connection", ("omnictl.transport",)),
    ("The API", ("omnictl.provider",)),
    ("Planning", ("omnictl.engine",)),
    ("Applying", ("omnictl.operations",)),
    ("The state, and saved files", ("omnictl.state", "omnictl.codec")),
    ("The command line", ("omnictl.cli",)),
)
_OTHERS = "Others"
_GLOBAL_OPTIONS = frozenset(
    name for each in cli.params if isinstance(each, click.Option) for name in each.opts if name != "--version"
)


def errors_block() -> str:
    """Return every diagnostic code by group, with the explanation that ``omnictl explain`` gives."""
    explanations = all_codes()
    groups: dict[str, dict[str, str]] = {title: {} for title, _ in _GROUPS}
    for module, codes in codes_by_module().items():
        group = groups.setdefault(_group_of(module), {})
        group.update({code: text for code, text in codes.items() if explanations[code] == text})
    return "\n".join(_code_table(title, codes) for title, codes in groups.items() if codes)


def _group_of(module: str) -> str:
    return next((title for title, prefixes in _GROUPS if module.startswith(prefixes)), _OTHERS)


def _code_table(title: str, codes: dict[str, str]) -> str:
    rows = "".join(f"| `{code}` | {_cell(text)} |\n" for code, text in sorted(codes.items()))
    return f"### {title}\n\n| code | what it means, and what to do |\n|---|---|\n{rows}"


def guards_block() -> str:
    """Return the guards with their explanations."""
    rows = "".join(f"| `{guard.value}` | {_cell(text)} |\n" for guard, text in EXPLANATIONS.items())
    return f"| guard | what it means, and what to do |\n|---|---|\n{rows}"


def lint_block() -> str:
    """Return the rules of lint that the settings know, with what each finds."""
    rules = json.loads(schema_text("settings"))["properties"]["lint"].get("properties", {})
    if not rules:
        return "This version has no rules.\n"
    rows = "".join(f"| `{name}` | {_cell(rule.get('description', ''))} |\n" for name, rule in sorted(rules.items()))
    return f"| rule | finds |\n|---|---|\n{rows}"


def message_block(name: str) -> str:
    """Return the fields of one content of a message file, or, without a name, those beside the contents."""
    schema = json.loads(schema_text("message"))
    contents = set(CONTENT_NAMES.values())
    chosen = {key: each for key, each in schema["properties"].items() if (key == name if name else key not in contents)}
    rows = "".join(
        f"| `{path}` | {_cell(_takes(each))} | {_cell(each.get('description', ''))} |\n"
        for path, each in _message_fields({"properties": chosen}, schema)
        if path != name
    )
    return f"| field | takes | |\n|---|---|---|\n{rows}"


def _message_fields(
    schema: Mapping[str, Any], root: Mapping[str, Any], where: str = ""
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield every field below a schema with its path; ``[]`` stands for an element of a list."""
    for key, inner in schema.get("properties", {}).items():
        each = _resolved(inner, root)
        path = f"{where}.{key}" if where else key
        yield path, each
        yield from _message_fields(each, root, path)
        if "items" in each:
            yield from _message_fields(_resolved(each["items"], root), root, f"{path}[]")


def _resolved(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = schema.get("$ref", "")
    found: Mapping[str, Any] = root["$defs"][reference.rpartition("/")[2]] if reference else schema
    return found


def _takes(schema: Mapping[str, Any]) -> str:
    """Say which values a field takes, with their limits."""
    if "enum" in schema:
        return " ".join(f"`{each}`" for each in schema["enum"])
    words = TYPE_WORDS[schema["type"]]
    if "maxLength" in schema:
        words += f", at most {schema['maxLength']:,} characters"
    if "maxItems" in schema or "maxProperties" in schema:
        words += f", at most {schema.get('maxItems', schema.get('maxProperties')):,}"
    if "minimum" in schema:
        words += f", {schema['minimum']:,} to {schema['maximum']:,}"
    return words


def exit_codes_block() -> str:
    """Return the exit codes with their meanings."""
    rows = "".join(f"| {code.value} | {_cell(text)} |\n" for code, text in sorted(MEANINGS.items()))
    return f"| code | meaning |\n|---|---|\n{rows}"


def formats_block() -> str:
    """Return what ``--format`` and ``--report`` take, command by command."""
    rows = "".join(
        f"| `{name}` | {_kinds(formats)} | {'the same' if formats == reports else _kinds(reports)} |\n"
        for name, command in walk_commands()
        for formats, reports in [_formats_of(command)]
        if formats
    )
    return f"| command | `--format` | `--report` |\n|---|---|---|\n{rows}"


def _formats_of(command: click.Command) -> tuple[tuple[str, ...], tuple[str, ...]]:
    options = {each.name: each for each in command.params if isinstance(each, click.Option)}
    chosen, report = options.get("output_format"), options.get("reports")
    formats = tuple(chosen.type.choices) if chosen is not None and isinstance(chosen.type, click.Choice) else ()
    kinds = (report.help or "").partition(": ")[2].rstrip(".").split(", ") if report is not None else ()
    return formats, tuple(kinds)


def _kinds(kinds: tuple[str, ...]) -> str:
    return ", ".join(f"`{each}`" for each in kinds)


def walk_commands() -> Iterator[tuple[str, click.Command]]:
    """Return each command and subcommand with its path, groups before what they hold: ``state``, ``state list``."""
    root = click.Context(cli, info_name="omnictl")
    for name in cli.list_commands(root):
        command = cli.get_command(root, name)
        assert command is not None
        yield from _walk(name, command, root)


def _walk(path: str, command: click.Command, parent: click.Context) -> Iterator[tuple[str, click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=path.split()[-1], parent=parent)
        for name in sorted(command.list_commands(context)):
            found = command.get_command(context, name)
            assert found is not None
            yield from _walk(f"{path} {name}", found, context)


def own_options(command: click.Command) -> tuple[click.Option, ...]:
    """Return the options of a command that are not global."""
    options = (each for each in command.params if isinstance(each, click.Option))
    return tuple(each for each in options if not _GLOBAL_OPTIONS.intersection(each.opts))


def command_block(path: str) -> str:
    """Return what a command is for, its synopsis and its own options, as its help says."""
    command = dict(walk_commands())[path]
    context = click.Context(command, info_name=f"omnictl {path}")
    paragraphs = [" ".join(each.split()) for each in (command.help or "").split("\n\n")]
    synopsis = " ".join(["omnictl", path, *command.collect_usage_pieces(context)])
    parts = ["\n\n".join(paragraphs), f"```text\n{synopsis}\n```"]
    rows = [_option_row(each, context) for each in own_options(command)]
    if rows:
        parts.append("| option | |\n|---|---|\n" + "\n".join(rows))
    return "\n\n".join(parts) + "\n"


def _option_row(option: click.Option, context: click.Context) -> str:
    record = option.get_help_record(context)
    if record is None:
        return f"| `{option.opts[-1]}` | |"
    names, text = record
    return f"| `{names.replace('|', ', ')}` | {_cell(text)} |".replace("[", "(").replace("]", ")")


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
