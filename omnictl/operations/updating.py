"""One PUT, done carefully: read again just before, refuse what the plan did not see, look after a lost answer."""

from collections.abc import Callable, Iterable

from msgspec import Struct

from omnictl.engine.compare import is_near, wanted
from omnictl.engine.moves import describe_moves
from omnictl.errors import OutcomeUnknownError, RemoteError, StoppedError
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.outcome import CHANGED_SINCE_PLAN
from omnictl.model.scenario import Attributes, IgnoredField, Remote
from omnictl.provider.base import Provider

SENDS = 3
"""How often a PUT whose answer was lost is sent, when each look shows that it was not taken."""


class Written(Struct, frozen=True):
    """What the account shows after the write; ``sent`` is False where it was as wanted already.

    ``desired`` is what was to be sent: with the ignored fields as they were read just before. ``default_may_return``:
    an earlier PUT of it was lost and not taken when it was looked for; taken late, it would bring the default back.
    """

    remote: Remote
    sent: bool
    desired: Attributes
    default_may_return: bool = False


def write_update(
    provider: Provider,
    key: str,
    *,
    seen: Attributes,
    desired: Attributes,
    default: bool | None = None,
    ignored: Iterable[IgnoredField] = (),
    half_done: bool = False,
    may_be_default: bool = True,
    may_send: Callable[[], bool] = lambda: True,
) -> Written:
    """PUT the desired attributes if the account still shows what the plan saw.

    ``default`` None sends the flag as just read; ``ignored`` fields always go back as just read. ``half_done``: an
    earlier run of the plan may have sent it, and the service bent it. Where it is not ``may_be_default``, the account
    default is left alone. ``may_send`` is asked before each PUT. Raises RemoteError where the account moved on,
    StoppedError where it may not be sent, and OutcomeUnknownError where nobody can know. Source: docs/planning.md,
    updates.
    """
    current = _read(provider, key)
    seen = wanted(seen, current.attributes, ignored := tuple(ignored))
    desired = wanted(desired, current.attributes, ignored)
    lost: OutcomeUnknownError | None = None
    lost_default = False
    for _ in range(SENDS):
        if _is_as_wanted(current, desired, default):
            return Written(current, sent=False, desired=desired)
        if current.attributes != seen and not (half_done and is_near(current.attributes, desired)):
            raise RemoteError(_changed(key, describe_moves(seen, current.attributes)))
        if current.is_default and not may_be_default:
            raise RemoteError(_changed(key, "it became the account default"))
        refuse_opaque_steps(current, desired)
        if not may_send():
            break
        try:
            flag = current.is_default if default is None else default
            remote = provider.update(current, desired, default=flag)
            return Written(remote, sent=True, desired=desired, default_may_return=lost_default)
        except OutcomeUnknownError as error:
            lost, lost_default = error, lost_default or flag
            current = _look(provider, key, lost)
            if _is_as_wanted(current, desired, default):
                return Written(current, sent=True, desired=desired)
            if current.attributes != seen and is_near(current.attributes, desired):
                return Written(current, sent=True, desired=desired)  # taken, and bent by the service on its way
    raise lost or StoppedError


def refuse_opaque_steps(current: Remote, desired: Attributes) -> None:
    """Refuse to change a step that has fields nobody here understands: they might not fit the new step."""
    kept = set(desired.flow)
    for position, extra in enumerate(current.step_extra, start=1):
        step = current.attributes.flow[position - 1]
        if extra and step not in kept:
            fields = ", ".join(sorted(extra))
            raise RemoteError(
                Diagnostic(
                    "opaque-step",
                    Severity.ERROR,
                    "A step to be changed has fields that omnictl does not know",
                    f"Step {position} ({step.channel}) of {current.key} has {fields}, which a change could lose.",
                    hint="change this step in the web interface, then plan again",
                )
            )


def _is_as_wanted(current: Remote, desired: Attributes, default: bool | None) -> bool:
    return current.attributes == desired and (default is None or current.is_default == default)


def _read(provider: Provider, key: str) -> Remote:
    remote = provider.get(key)
    if remote is None:
        raise RemoteError(
            Diagnostic(
                "vanished-since-plan",
                Severity.ERROR,
                "A scenario vanished since the plan was made",
                f"The account no longer knows {key}.",
                hint="make a new plan",
            )
        )
    return remote


def _look(provider: Provider, key: str, lost: OutcomeUnknownError) -> Remote:
    """Read after a lost answer; if even that fails, the outcome stays unknown."""
    try:
        remote = provider.get(key)
    except (RemoteError, StoppedError):
        raise lost from None
    if remote is None:
        raise lost
    return remote


def _changed(key: str, what: str) -> Diagnostic:
    return Diagnostic(
        CHANGED_SINCE_PLAN,
        Severity.ERROR,
        "A scenario was changed on the account since the plan was made",
        f"{key} is no longer what the plan saw: {what}. It was left as it is.",
        hint="make a new plan, which shows what changed",
    )


CODES = {
    "opaque-step": "A step carries fields that this omnictl does not know, and the plan changes that step. Unknown "
    "fields go back as they were read, but nobody can say whether they fit a changed step.",
    "vanished-since-plan": "Between the plan and the write the scenario disappeared. Make a new plan.",
    "changed-since-plan": "Just before each PUT the scenario is read again. It was no longer what the plan saw, so it "
    "was left alone. Make a new plan.",
}
