"""What can be wrong with a state behind Terraform's HTTP protocol, in words. ``said``: a request and its answer."""

from omnictl.model.diagnostic import Diagnostic, Severity

_CURES = {
    401: "set OMNICTL_STATE_TOKEN, or TF_HTTP_USERNAME and TF_HTTP_PASSWORD; a token may have run out",
    403: "the credentials need the right to write the state and its lock; in GitLab that is the role Maintainer",
    404: "check the URL; a server may also answer so to credentials that may not see the project",
    413: "the state is larger than the server takes: raise its limit, or use another backend",
    422: "the server takes no state with a serial that it had before, nor one that is being deleted; "
    "run the same command again",
}
_USUAL_CURE = "mend what the server complains of; check the URL and the methods"


def refused(where: str, said: str, status: int, why_nobody: str) -> Diagnostic:
    """Tell of a request that the server did not take; ``why_nobody`` where it was sent without credentials."""
    if 300 <= status < 400:
        cure = "redirects are not followed, for credentials go to one host alone: name the address that it leads to"
    else:
        cure = _CURES.get(status, _USUAL_CURE)
    without = f" It was sent without credentials: {why_nobody}." if status in (401, 403, 404) and why_nobody else ""
    return Diagnostic(
        "state-server-refused",
        Severity.ERROR,
        "The server of the state refused the request",
        f"{where}: {said}.{without}",
        hint=cure,
    )


def unreachable(where: str, said: str) -> Diagnostic:
    """Tell of a server that does not answer as it should; nothing was changed that matters."""
    return Diagnostic(
        "state-server-unreachable",
        Severity.ERROR,
        "The server of the state does not answer",
        f"{where}: {said}.",
        hint="run the same command again when it does; check the URL, the network and the proxy",
    )


def fate_unknown(where: str, said: str, serial: int) -> Diagnostic:
    """Tell of a write of which nobody knows what became."""
    return Diagnostic(
        "state-write-unknown",
        Severity.ERROR,
        "Nobody knows whether the state was stored",
        f"{where}: {said}. Serial {serial} may be there or not. Nothing more was sent.",
        hint="when the server answers again, push the saved state: where it is stored already, nothing changes",
    )


def damaged(where: str) -> Diagnostic:
    """Tell of an answer whose digest is another than the server says."""
    return Diagnostic(
        "damaged-state",
        Severity.ERROR,
        "The state arrived damaged",
        f"{where}: its digest is not the one that the server sent with it (Content-MD5).",
        hint="run the same command again; where it stays so, the stored state is damaged: look at state history",
    )


def lock_cleared(where: str, said: str) -> Diagnostic:
    """Tell of a lock that was cleared by somebody while it was held."""
    return Diagnostic(
        "lock-cleared",
        Severity.ERROR,
        "The lock of the state was cleared by somebody else",
        f"{where}: {said}. The state was not written, and nothing more was sent.",
        hint="find out who cleared it (state unlock --force, or the server's interface), then run the command again",
    )


def no_lock(where: str, said: str) -> Diagnostic:
    """Tell of a server that has no lock where it was looked for."""
    return Diagnostic(
        "no-state-lock",
        Severity.ERROR,
        "The server has no lock for this state",
        f"{where}: {said}. Nothing else keeps two runs apart there, so nothing was done.",
        hint="name it by lock_address, lock_method and unlock_method behind the ? of the URL",
    )


CODES = {
    "state-server-refused": "The server of a state behind https:// said no: credentials (401), rights (403), size "
    "(413), a serial that it had before (422), or an address that it sends elsewhere. Nothing was stored.",
    "state-server-unreachable": "The server of a state could not be reached, or answered with an error of its own, "
    "several times. Nothing was stored.",
    "state-write-unknown": "The state was sent, and neither an answer nor a look afterwards told what became of it. "
    "The state is saved beside you; push it when the server is back.",
    "damaged-state": "What the server sent is not what its Content-MD5 says. Nothing was done with it.",
    "lock-cleared": "The server refused a write because its lock is no longer ours: somebody cleared it. The state is "
    "saved beside you, nothing more was sent.",
    "no-state-lock": "The server of a state does not know the request that takes the lock. Its address and methods are "
    "options of the URL.",
}
