"""What went wrong with a request, in words: method, path, status, request id, and what the API itself said of it."""

import math
from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import urlencode, urlsplit

from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.outcome import RequestEnded
from omnictl.provider.base import Operation
from omnictl.provider.wire import LOGS_PATH, REPORTS_PATH, SEND_PATH, read_api_error
from omnictl.transport.answer import Answer, Lost, Reply, Request, Unsent

EXCERPT_CHARACTERS = 300
MISSING_SCOPE = "omni-failover:manage"
_SCOPES = {Operation.SEND: "message:send", Operation.REPORTS: "message:send", Operation.LOGS: "omni-failover:logs:read"}
_DEEDS = {
    Operation.SEND: "Sending",
    Operation.REPORTS: "Taking reports",
    Operation.LOGS: "Reading logs",
}

_PERSONAL_PATHS = frozenset({SEND_PATH, REPORTS_PATH, LOGS_PATH})

Redact = Callable[[str], str]


def describe(request: Request, answer: Answer, redact: Redact) -> str:
    """Return what came of a request in one sentence. Holds no header of the request and nothing secret."""
    where = f"{request.method} {request.path}"
    if isinstance(answer, Unsent):
        return _end(f"{where} was not sent: {_tidy(answer.why, redact)}")
    if isinstance(answer, Lost):
        return _end(f"{where}: {_tidy(answer.why, redact)}")
    request_id = _tidy(answer.headers.get("x-request-id", ""), redact)
    told = f" (request id {request_id})" if request_id else ""
    if is_redirect(answer):
        target = _tidy(_target_of(answer), redact) or "nowhere"
        return (
            f"{where} answered {answer.status}{told} and points to {target}. "
            "omnictl follows no redirect: the credentials would go there."
        )
    if request.path in _PERSONAL_PATHS:
        return _end(f"{where} answered {answer.status}{told}{_describe_personal_body(answer, redact)}")
    return _end(f"{where} answered {answer.status}{told}{_describe_body(answer, redact)}")


def trace(request: Request, answer: Answer, seconds: float, redact: Redact) -> RequestEnded:
    """Return what is told of a request to whoever wants to see each one; nothing of its headers or bodies."""
    path = f"{request.path}?{urlencode(request.query, doseq=True)}" if request.query else request.path
    path = _mask(path) if request.path in _PERSONAL_PATHS else path
    if isinstance(answer, Reply):
        result = f"{answer.status}{f', {answer.flaw}' if answer.flaw else ''}"
        return RequestEnded(
            request.method, path, result, seconds, _tidy(answer.headers.get("x-request-id", ""), redact)
        )
    result = f"{'not sent' if isinstance(answer, Unsent) else 'no answer'}, {_tidy(answer.why, redact)}"
    return RequestEnded(request.method, path, result, seconds)


def add_flaw(detail: str, flaw: str) -> str:
    """Return the detail with what is wrong with a body that came whole, where something is."""
    return f"{detail} The body cannot be used: {flaw}." if flaw else detail


def _end(sentence: str) -> str:
    return sentence if sentence.endswith((".", "!", "?", "…", "]")) else f"{sentence}."


def is_redirect(reply: Reply) -> bool:
    """Tell whether somebody says that what was asked for is elsewhere."""
    return 300 <= reply.status < 400 and bool(reply.headers.get("location"))


def _target_of(reply: Reply) -> str:
    """Return where a redirect leads, without what a URL may carry beside its place."""
    location = reply.headers.get("location", "")
    try:
        parts = urlsplit(location)
    except ValueError:
        return "an address that cannot be read"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}" if parts.netloc else parts.path


def _describe_body(reply: Reply, redact: Redact) -> str:
    if reply.flaw:
        return f": {reply.flaw}"
    error = read_api_error(reply.body)
    if error is not None:
        said = ": ".join(filter(None, (_tidy(error.message_id, redact), _tidy(error.text, redact))))
        fields = _tidy("; ".join(error.validation), redact)
        return f": {said}" + (f" [{fields}]" if fields else "")
    excerpt = _tidy(reply.body.decode("utf-8", "replace"), redact)
    return f": {excerpt}" if excerpt else " without a body"


def _describe_personal_body(reply: Reply, redact: Redact) -> str:
    """Return what an answer about messages says, but nothing that may be of a person."""
    if reply.flaw or read_api_error(reply.body) is not None:
        return _mask(_describe_body(reply, redact))
    size = len(reply.body)
    return f" with a body of {size} bytes, which is not shown: it may be about persons" if size else " without a body"


def _mask(text: str) -> str:
    from omnictl.model.masking import mask_within  # late: a plan sends no messages

    return mask_within(text)


def _tidy(text: str, redact: Redact) -> str:
    """Return one line for a terminal: no secrets, no control characters, not too long."""
    # Cut after redaction, so that no half of a secret is left; then twice, so that a long body costs nothing.
    start = redact(text)[: 20 * EXCERPT_CHARACTERS]
    plain = " ".join("".join(each if each.isprintable() else " " for each in start).split())
    return plain if len(plain) <= EXCERPT_CHARACTERS else f"{plain[:EXCERPT_CHARACTERS]}…"


def refused(detail: str) -> Diagnostic:
    """The API said no."""
    return Diagnostic(
        "refused-by-api",
        Severity.ERROR,
        "The API refused the request",
        f"{detail}\nNothing was changed by it.",
        hint="mend what the API complains of, then run the same command again",
    )


def outcome_unknown(detail: str) -> Diagnostic:
    """A write whose outcome nobody knows."""
    return Diagnostic(
        "outcome-unknown",
        Severity.ERROR,
        "Nobody knows what became of a request",
        f"{detail}\nIt may have been taken or not. omnictl looks before it sends anything again.",
        hint="run the same command again: it looks what became of it first",
    )


def not_sent(detail: str, tries: int, answer: Unsent) -> Diagnostic:
    """The safe repeats are used up."""
    if answer.tls and not answer.untrusted:
        return Diagnostic(
            "no-encryption",
            Severity.ERROR,
            "No encrypted connection to the API",
            f"{detail} Tried {tries} times.",
            hint="something on the way speaks no TLS, or none that can be used: check host and port of the base URL, "
            "and HTTPS_PROXY, which names most proxies as http://HOST:PORT",
        )
    if answer.tls:
        return Diagnostic(
            "untrusted-certificate",
            Severity.ERROR,
            "No trusted connection to the API",
            f"{detail} Tried {tries} times.",
            hint="if a proxy or a private host has its own certificate authority, name its file",
            commands=("export OMNICTL_CA_FILE=/path/to/authority.pem",),
        )
    return Diagnostic(
        "no-connection",
        Severity.ERROR,
        "The API cannot be reached",
        f"{detail} Tried {tries} times.",
        hint="check the base URL, the network, and the proxy settings (HTTPS_PROXY, NO_PROXY)",
    )


def reading_failed(detail: str, tries: int, operation: Operation) -> Diagnostic:
    """The account, or its logs, could not be read."""
    if operation is Operation.LOGS:
        return Diagnostic(
            "logs-unreadable",
            Severity.ERROR,
            "The logs could not be read",
            f"{detail} Tried {tries} times.",
            hint="run the same command again in a few minutes: logs are repeatable, for 48 hours",
        )
    return Diagnostic(
        "reading-failed",
        Severity.ERROR,
        "The account could not be read",
        f"{detail} Tried {tries} times. An incomplete reading is never taken for an empty account.",
        hint="run the same command again in a few minutes; nothing was changed",
    )


def redirected(detail: str, tries: int) -> Diagnostic:
    """Somebody wants a reading to go elsewhere."""
    return Diagnostic(
        "redirected",
        Severity.ERROR,
        "The account could not be read: the API points elsewhere",
        f"{detail} Tried {tries} times.",
        hint="if the API has moved there, make that the base URL; if it is a page to sign in, a proxy or gateway "
        "stands between",
    )


def unauthorized(detail: str, source: str) -> Diagnostic:
    """401."""
    return Diagnostic(
        "unauthorized",
        Severity.ERROR,
        "The API does not accept the credentials",
        f"{detail}\nThe credentials came from {source}.",
        hint="check that they are complete, not revoked, and belong to the account of this base URL",
    )


def forbidden(detail: str, source: str, operation: Operation) -> Diagnostic:
    """403."""
    scope, deed = _SCOPES.get(operation, MISSING_SCOPE), _DEEDS.get(operation, "Reading and writing scenarios")
    return Diagnostic(
        "forbidden",
        Severity.ERROR,
        "The credentials are not allowed to do this",
        f"{detail}\nThe credentials came from {source}. {deed} needs the scope {scope}.",
        hint=f"give the API key the scope {scope}, or use another key",
    )


def throttled(detail: str, seconds: float, now: datetime) -> Diagnostic:
    """The service asks for a longer or more frequent pause than is waited for."""
    return Diagnostic(
        "throttled",
        Severity.ERROR,
        "The API asks to be left alone for a while",
        f"{detail} It asks for a pause of {math.ceil(seconds / 60.0)} minutes or more; omnictl waits no longer here.",
        hint=f"run the same command again after {now + timedelta(seconds=seconds):%Y-%m-%d %H:%MZ}",
    )


def too_late(not_after: datetime) -> Diagnostic:
    """The time in which a create may leave has passed."""
    return Diagnostic(
        "too-late-to-send",
        Severity.ERROR,
        "A create was not sent in time",
        f"It could not leave before {not_after:%Y-%m-%d %H:%M:%SZ}, as its intent says, so it was not sent.",
        hint="run the same command again; it goes on where it stopped",
    )


def stopped(reason: str) -> Diagnostic:
    """Asked to stop before a write left."""
    return Diagnostic(
        "stopped-before-sending",
        Severity.ERROR,
        "Stopped before a request was sent",
        f"{reason or 'It was asked to stop'}; the request was not sent.",
        hint="run the same command again; it goes on where it stopped",
    )


def malformed_key() -> Diagnostic:
    """A key that is no key."""
    return Diagnostic(
        "malformed-key",
        Severity.ERROR,
        "A scenario key cannot be used",
        "A key is empty, or a path like '..', which no scenario can have. No request was sent with it.",
        hint="look for it in the state and in the import: lines of the files",
    )


CODES = {
    "throttled": "The API answered a reading with 429 and asks for a pause of more than ten minutes (Retry-After). The "
    "run ended in good order. Run the same command again when the pause is over.",
    "refused-by-api": "The API answered with an error of its own (4xx): the request was not taken and changed nothing. "
    "The message, and the fields it names, are the API's own.",
    "outcome-unknown": "A write was sent and no believable answer came back (a time-out, a cut connection, a 5xx, an "
    "unreadable body). It is never repeated blindly: run the same command again, and it looks first.",
    "untrusted-certificate": "The connection to the API is encrypted, but its certificate is not trusted. Behind a "
    "proxy that opens TLS, name the file with its certificate authority: ca_file in omnictl.yaml, or OMNICTL_CA_FILE. "
    "Verification cannot be switched off.",
    "no-connection": "No connection to the API, after several tries: the host, the network, a firewall or a proxy.",
    "reading-failed": "The account could not be read, after several tries. Nothing is planned from a part of it.",
    "logs-unreadable": "The logs of the account could not be read, after several tries. They are repeatable, and go "
    "back 48 hours.",
    "no-encryption": "There was a connection, but what answered speaks no TLS, or none that can be used: a wrong port, "
    "or a proxy that is named as https:// and speaks http. Nothing was sent.",
    "redirected": "The API, or what stands before it, answered a reading with a redirect. omnictl follows none: the "
    "credentials would go to whatever host it names. Write the place where the API really is as the base URL.",
    "unauthorized": "The API answered 401: the key or token is wrong, revoked, expired, or belongs to another account. "
    "Each account has a base URL of its own.",
    "forbidden": "The API answered 403: the key is known, but lacks a scope. Scenarios need omni-failover:manage, "
    "messages and reports message:send, logs omni-failover:logs:read.",
    "too-late-to-send": "A create may leave only until a time that its intent in the state names, so that other runs "
    "know when to look for it. The time passed while it waited. Nothing was sent.",
    "stopped-before-sending": "The run was asked to stop before this request left. Nothing was sent.",
    "malformed-key": "A key in the state, or in an import: line, is empty or looks like a path.",
}
