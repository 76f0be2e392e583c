"""Make docs/plan.svg, the picture of a plan in the README, from what omnictl really prints.

Runs omnictl against the embedded sandbox in a temporary directory. The keys that the sandbox gives are random, so
they are replaced by a fixed one, and so is the serial of the state; all else is as it was printed. The SVG holds no
script, no font and no address, and brings its own background: it looks the same on light and dark pages.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path

PICTURE = Path(__file__).parent.parent / "docs" / "plan.svg"
COLUMNS = 94
_ADVANCE, _LINE, _SIDE, _TOP = 8.43, 20, 20, 44
_INK, _PAPER, _DIM = "#e6edf3", "#161b22", "#8b949e"
_COLOURS = {"31": "#ff7b72", "32": "#56d364", "33": "#e3b341", "36": "#76e3ea"}
_FONT = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace"

BEFORE = {
    "vk-sms": "name: VK and SMS\nflow:\n  - channel: VKONTAKTE\n  - channel: SMS\n    from: InfoSMS\n",
    "sms-only": "name: SMS alone\nflow:\n  - channel: SMS\n    from: InfoSMS\ndefault: true\n",
    "welcome": "name: Welcome\nflow:\n  - channel: VKONTAKTE\n  - {channel: SMS, from: InfoSMS}\n"
    "  - {channel: VIBER, from: Acme}\n",
}
OF_OTHERS = {"black-friday": "name: Black Friday\nflow:\n  - channel: SMS\n"}
AFTER: Mapping[str, str | None] = {
    "vk-sms": f"{BEFORE['vk-sms']}default: true\n",
    "sms-only": BEFORE["sms-only"].replace("default: true\n", ""),
    "welcome": "name: Welcome\nflow:\n  - {channel: VIBER, from: Acme}\n  - channel: VKONTAKTE\n"
    "  - {channel: SMS, from: BRAND}\n",
    "otp-br": "name: OTP Brazil\nflow:\n  - {channel: WHATSAPP, from: '447700900123'}\n"
    "  - {channel: SMS, from: InfoSMS}\n",
}


def main() -> int:
    """Write the picture, or with --check say whether it is up to date."""
    drawn = draw(print_plan())
    if sys.argv[1:] == ["--check"]:
        return 0 if PICTURE.read_text(encoding="utf-8") == drawn else 1
    PICTURE.write_text(drawn, encoding="utf-8", newline="\n")
    return 0


def print_plan() -> str:
    """Return what omnictl plan prints, in colour."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "omnictl.yaml").write_text("version: 1\nenvironments:\n  production: {}\n", encoding="utf-8")
        _declare(root, OF_OTHERS)
        _omnictl(root, "apply", "--yes")
        for state in (root / ".omnictl").rglob("state.json"):  # so that nobody here knows of it
            state.unlink()
        _declare(root, {**dict.fromkeys(OF_OTHERS), **BEFORE})
        _omnictl(root, "apply", "--yes", "--allow", "default-change=sms-only")
        _declare(root, AFTER)
        return _steady(_omnictl(root, "plan", "--color", "always"))


def _declare(root: Path, files: Mapping[str, str | None]) -> None:
    folder = root / "scenarios"
    folder.mkdir(exist_ok=True)
    for scenario_id, text in files.items():
        path = folder / f"{scenario_id}.yaml"
        if text is None:
            path.unlink()
        else:
            path.write_text(f"id: {scenario_id}\n{text}", encoding="utf-8")


def _omnictl(root: Path, *arguments: str) -> str:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OMNICTL_", "INFOBIP_", "CI"))}
    environ = {**kept, "COLUMNS": str(COLUMNS), "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, "-m", "omnictl", "--env", "production", "--sandbox", *arguments]
    done = subprocess.run(
        command, cwd=root, env=environ, capture_output=True, encoding="utf-8", check=False, timeout=60
    )
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr}")
    return done.stdout


def _steady(text: str) -> str:
    """Replace what differs from run to run: the keys, and the serial, which counts how often the state was written."""
    text = re.sub(r"state serial \d+", "state serial 8", text)
    return re.sub(r"\bkey [0-9A-F]{4}…[0-9A-F]{4}\b", "key 5F0C…91AB", text)


def draw(text: str) -> str:
    """Return a terminal window with the text as SVG."""
    lines = ["\x1b[2m$\x1b[0m omnictl plan --env production --sandbox", *text.rstrip("\n").split("\n")]
    width = round(2 * _SIDE + COLUMNS * _ADVANCE)
    height = _TOP + len(lines) * _LINE + _SIDE
    dots = "".join(
        f'<circle cx="{22 + 20 * i}" cy="20" r="6" fill="{fill}"/>'
        for i, fill in enumerate(("#ff5f57", "#febc2e", "#28c840"))
    )
    title = "What omnictl plan prints: a default change, a create, an update with a moved step"
    rows = [piece for i, line in enumerate(lines) for piece in _draw_line(line, _TOP + _LINE * (i + 0.75))]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" role="img">',
            f"<title>{escape(title)}</title>",
            f'<rect width="{width}" height="{height}" rx="10" fill="{_PAPER}"/>',
            dots,
            f'<g font-family="{_FONT}" font-size="14" fill="{_INK}">',
            *rows,
            "</g>",
            "</svg>",
            "",
        ]
    )


def _draw_line(line: str, y: float) -> Iterator[str]:
    column = 0
    for codes, text in _segments(line):
        for word in re.finditer(r"\S+(?: \S+)*", text):  # wider gaps are bridged by the place: SVG drops such spaces
            x, length = _SIDE + (column + word.start()) * _ADVANCE, len(word[0]) * _ADVANCE
            size = f'textLength="{length:.2f}" lengthAdjust="spacingAndGlyphs"'
            yield f'<text x="{x:.2f}" y="{y:g}" {size}{_look(codes)}>{escape(word[0], quote=False)}</text>'
        column += len(text)


def _segments(line: str) -> Iterator[tuple[str, str]]:
    """Split a line at its colours: (codes, text)."""
    codes = ""
    for part in re.split(r"(\x1b\[[0-9;]*m)", line):
        if part.startswith("\x1b["):
            codes = part[2:-1]
        elif part:
            yield codes, part


def _look(codes: str) -> str:
    given = codes.split(";")
    colour = next((_COLOURS[each] for each in given if each in _COLOURS), _DIM if "2" in given else None)
    return (f' fill="{colour}"' if colour else "") + (' font-weight="bold"' if "1" in given else "")


if __name__ == "__main__":
    sys.exit(main())
