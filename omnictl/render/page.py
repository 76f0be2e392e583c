"""One HTML page: no scripts, nothing loaded from anywhere, light and dark; what stands in it is escaped."""

from collections.abc import Iterable
from html import escape

from omnictl.render.style import sanitize

_LOOK = """
:root { color-scheme: light dark; --ink: #1f2328; --paper: #ffffff; --soft: #59636e; --line: #d1d9e0; --box: #f6f8fa;
  --create: #1a7f37; --update: #9a6700; --rename: #0969da; --remove: #cf222e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --paper: #0d1117; --soft: #9198a1; --line: #3d444d;
  --box: #151b23; --create: #3fb950; --update: #d29922; --rename: #4493f8; --remove: #f85149; } }
body { margin: 2rem auto; padding: 0 1rem; max-width: 72rem; color: var(--ink); background: var(--paper);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; margin-bottom: 0; } p.where { color: var(--soft); margin-top: .25rem; }
table { border-collapse: collapse; width: 100%; margin: 1rem 0; }
th, td { text-align: left; vertical-align: top; padding: .45rem .75rem .45rem 0; border-top: 1px solid var(--line); }
th { color: var(--soft); font-weight: normal; } td:first-child, td:nth-child(2) { white-space: nowrap; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 .75rem; margin: .25rem 0 0; }
dt { color: var(--soft); } dd { margin: 0; unicode-bidi: isolate; }
b.word { color: var(--update); } b.create, b.adopt, b.done { color: var(--create); } b.rename { color: var(--rename); }
b.forget, b.retire, b.default, b.failed, b.unknown { color: var(--remove); } b.not { color: var(--soft); }
code, pre { font: 13px/1.45 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
bdi { unicode-bidi: isolate; } small { color: var(--soft); }
pre { background: var(--box); border: 1px solid var(--line); border-radius: 6px; padding: .6rem .8rem; overflow: auto; }
section { border: 1px solid var(--line); border-left: 4px solid var(--rename); border-radius: 6px; padding: 0 1rem;
  margin: 1rem 0; } section.risk { border-left-color: var(--remove); }
""".strip()


def make_page(title: str, parts: Iterable[str], *, look: str = "") -> str:
    """Return a page of parts that are markup already; ``look`` is what it has beside the common style sheet."""
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    head = [
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        f"<title>{page_text(title)}</title>\n<style>\n{_LOOK}{look}\n</style>\n</head>\n<body>",
    ]
    return "\n".join([*head, *parts, "</body>\n</html>"]) + "\n"


def isolated(text: str) -> str:
    """Return a name as markup: one written from right to left does not turn what stands around it."""
    return f'<bdi dir="ltr">{page_text(text)}</bdi>'


def page_text(text: str) -> str:
    """Return a text as markup that shows it, with nothing in it that steers or hides."""
    return escape(sanitize(text).replace(" -> ", " → "))
