"""What can be wrong with a state in a git remote, in words."""

from omnictl.model.diagnostic import Diagnostic, Severity


def wrong_git_url(why: str) -> Diagnostic:
    """Tell of a URL that names no state in a repository."""
    return Diagnostic(
        "wrong-state-url",
        Severity.ERROR,
        "The place of the state is no name in a git repository",
        why,
        hint="such as git+https://git.example.com/team/config.git//production, or git+ssh://git@…; "
        "one that ends with // gets the name of the environment",
    )


def no_git(why: str) -> Diagnostic:
    """Tell of a machine without git."""
    return Diagnostic(
        "no-git",
        Severity.ERROR,
        "The state is in a git remote, and git cannot be run",
        f"git: {why}.",
        hint="install git, or put it on the PATH",
    )


def unreachable(verb: str, where: str, said: str) -> Diagnostic:
    """Tell of a remote that did not answer, or not so that the answer helps; ``verb`` is read or written."""
    return Diagnostic(
        "git-unreachable",
        Severity.ERROR,
        f"The state in a git remote cannot be {verb}",
        f"{where}: {said or 'git failed without a word'}.",
        hint="check the network and the host, then run the same command again",
    )


def refused(verb: str, where: str, said: str) -> Diagnostic:
    """Tell of a remote that refuses: credentials, a repository that is not there, a rule or hook of the host."""
    return Diagnostic(
        "git-refused",
        Severity.ERROR,
        f"The git remote does not let the state be {verb}",
        f"{where}: {said}.",
        hint="check the URL, and that git ls-remote works here without a prompt (a credential helper, GIT_ASKPASS or a "
        "key of ssh); where the host takes no refs of this kind, or guards branches, see docs/backends.md",
    )


def foreign(where: str) -> Diagnostic:
    """Tell of a ref that holds something else."""
    return Diagnostic(
        "git-foreign-ref",
        Severity.ERROR,
        "A ref of the state holds something else",
        f"{where} is no commit that omnictl made. Nothing was changed.",
        hint="choose another name behind the //, or remove the ref where nobody needs it",
    )


CODES = {
    "no-git": "A state in a git remote (git+https://, git+ssh://, git+file://) needs the git program on this machine.",
    "git-unreachable": "The remote that holds the state did not answer in time, or broke off. A write that was under "
    "way was looked for before this was said.",
    "git-refused": "The remote that holds the state refuses: no credentials or wrong ones, no such repository, a hook "
    "or a rule of the host that takes no pushes to these refs. Trying again is of no use.",
    "git-foreign-ref": "The ref in the place of a state or its lock holds something that omnictl did not write. It is "
    "left as it is.",
}
