"""What can be wrong with an object store, in words. ``reason`` is what library and server said, made harmless."""

import re
from collections.abc import Iterable

from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.state.objects.place import ObjectPlace

_DUMP = "\n\nDebug source"
"""Begins what the library knows of itself: long, and for us."""
_CAUSES = (
    (re.compile(r"InvalidCertificate|UnknownIssuer"), "its certificate is not trusted"),
    (re.compile(r"dns error|failed to lookup"), "its name is not known here"),
    (re.compile(r"ConnectionRefused"), "nothing listens there"),
    (re.compile(r"kind: Timeout|TimedOut"), "it did not answer in time"),
    (re.compile(r"IncompleteMessage|ConnectionReset|BrokenPipe"), "the connection was cut"),
)
_UNSAID = re.compile(r"HTTP error: error (sending request|decoding response body|following redirect).*", re.DOTALL)
_QUERY = re.compile(r"\?[^\s\"'<>]*")
_TOOK = re.compile(r" in \d[\d.]*(?:[nmµ]?s)\b")
_CODE = re.compile(r"<Code>([\w.-]{1,80})</Code>")
_MESSAGE = re.compile(r"<Message>([^<]{1,300})</Message>")
_LONGEST_REASON = 300

_WHERE_FROM = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a web identity or a role of the machine; a profile of "
    "~/.aws, single sign-on included, with AWS_PROFILE and boto3",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS, gcloud auth application-default login, or the account of the machine",
    "az": "AZURE_STORAGE_ACCOUNT_KEY, AZURE_STORAGE_SAS_KEY, AZURE_CLIENT_ID with its kin, or the machine",
}


def reason_of(text: str, secrets: Iterable[str]) -> str:
    """Return what library and server said in one line, with nothing of a query of a URL, or of a credential."""
    text, _, dump = text.partition(_DUMP)
    code, message = _CODE.search(text), _MESSAGE.search(text)
    said = ": ".join(each[1].strip(" .") for each in (code, message) if each)
    first = text.partition("<?xml")[0].partition("<Error")[0] if code else text
    cause = next((words for pattern, words in _CAUSES if pattern.search(dump)), None)
    if cause is not None:
        first = _UNSAID.sub(cause, first)
    line = _QUERY.sub("?…", _TOOK.sub("", " ".join(first.split()))).rstrip(" :.")
    for secret in secrets:
        line, said = line.replace(secret, "***"), said.replace(secret, "***")
    return f"{line[:_LONGEST_REASON]} ({said})" if said else line[:_LONGEST_REASON]


def failed(where: str, reason: str) -> Diagnostic:
    """Tell of a store that did not do what it was asked."""
    return Diagnostic(
        "store-failed",
        Severity.ERROR,
        "The object store did not answer as it should",
        f"{where}: {reason}.",
        hint="run the same command again; if it stays, look at the endpoint, the region and the network",
    )


def refused(where: str, reason: str) -> Diagnostic:
    """Tell of credentials that the store does not take."""
    return Diagnostic(
        "store-refused",
        Severity.ERROR,
        "The object store refuses these credentials",
        f"{where}: {reason}.",
        hint="check who they belong to, and that they may read, write, list and delete below this path",
    )


def no_credentials(place: ObjectPlace, reason: str) -> Diagnostic:
    """Tell of credentials that were looked for at the machine, for want of others, and not found."""
    return Diagnostic(
        "no-store-credentials",
        Severity.ERROR,
        "There are no credentials for the object store",
        f"{place.location}: the environment has none, and this machine gives none: {reason}.",
        hint=f"give them by {_WHERE_FROM[place.scheme]}",
    )


def no_bucket(where: str, bucket: str) -> Diagnostic:
    """Tell of a bucket that is not there: no state is kept in what does not exist."""
    return Diagnostic(
        "no-bucket",
        Severity.ERROR,
        "The bucket or container does not exist",
        f"{where}: there is no {bucket}.",
        hint="check the name, the region and the account; omnictl creates none",
    )


def no_versions(where: str) -> Diagnostic:
    """Tell of a store whose objects have no versions that a condition could name."""
    return Diagnostic(
        "conditions-overlooked",
        Severity.ERROR,
        "The store has no conditional writes",
        f"{where}: its answers name no version (an ETag or a generation). Two runs could write over each other.",
        hint="keep the state in another store",
    )


def unusable(place: ObjectPlace, why: str) -> Diagnostic:
    """Tell of what the library does not take."""
    return Diagnostic(
        "store-settings",
        Severity.ERROR,
        "The object store cannot be set up",
        f"{place.location}: {reason_of(why, place.secrets)}.",
        hint="check the options of the URL and the variables of the platform",
    )


def no_boto3(profile: str) -> Diagnostic:
    """Tell of a profile of AWS without the package that reads it."""
    return Diagnostic(
        "store-settings",
        Severity.ERROR,
        "The object store cannot be set up",
        f"Profiles of AWS, such as {profile}, are read by boto3, which is not installed.",
        hint="install it, or give keys in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY and unset AWS_PROFILE",
        commands=("pip install boto3",),
    )


def no_google_auth(path: str) -> Diagnostic:
    """Tell of a federated identity without the packages that ask for its tokens."""
    return Diagnostic(
        "store-settings",
        Severity.ERROR,
        "The object store cannot be set up",
        f"{path} is of a workload identity federation; google-auth, which asks for its tokens, is not installed.",
        hint="install it beside omnictl",
        commands=("pip install google-auth requests",),
    )


def bad_federation(path: str, kind: str) -> Diagnostic:
    """Tell of a file of a federation that google-auth does not read, by the kind of its error alone."""
    return Diagnostic(
        "store-settings",
        Severity.ERROR,
        "The object store cannot be set up",
        f"{path} is of a workload identity federation, and cannot be used ({kind}).",
        hint="make it anew with gcloud iam workload-identity-pools create-cred-config",
    )


def bad_profile(profile: str, kind: str) -> Diagnostic:
    """Tell of a profile that boto3 does not read, by the kind of its error alone."""
    return Diagnostic(
        "store-settings",
        Severity.ERROR,
        "The object store cannot be set up",
        f"The profile {profile} of AWS gives no credentials ({kind}).",
        hint="log in to it, or choose another with AWS_PROFILE",
    )


CODES = {
    "store-failed": "An object store could not be reached, took too long, or answered with an error. What it had been "
    "asked to write is looked for before anything is repeated.",
    "store-refused": "An object store refuses the credentials, or they may not do what a state needs: read, write, "
    "list and delete below its path.",
    "no-store-credentials": "The environment has no credentials for the object store, and the machine, asked last, "
    "gives none.",
    "no-bucket": "The bucket or container of the state does not exist. It is never taken for a place without a state.",
    "store-settings": "The object store cannot be set up: an option or variable that its library does not take, or a "
    "profile of AWS that cannot be read.",
}
