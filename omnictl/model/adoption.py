"""Taking scenarios of the account into files and state: what becomes managed, and what is left out and why."""

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct, field

from omnictl.model.address import Address
from omnictl.model.change import Change
from omnictl.model.diagnostic import Diagnostic
from omnictl.model.scenario import Remote, Resource


class Adoption(Struct, frozen=True):
    """A scenario of the account that becomes managed. ``resource`` is the file that is there; None: one is written."""

    address: Address
    remote: Remote
    resource: Resource | None = None


class Told(StrEnum):
    """What a person may know of files without a key, and no state does; with the option of the command line for it."""

    FILES_ARE_NEW = "--files-are-new"
    NEARLY_EQUAL = "--nearly-equal"


class LeftOut(Struct, frozen=True):
    """A scenario that is not taken, why, and what would help; ``commands`` are lines to copy.

    ``ids`` are those that it might have got: of files that may be its own, and of a new one. ``if_told`` is what a
    person has to know to have it imported all the same.
    """

    key: str
    name: str
    reason: str
    hint: str = ""
    commands: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    if_told: Told | None = None


class Choice(Struct, frozen=True):
    """What one reading of the account offers: in the order of the ids what is adopted, and what is left out.

    ``ignored`` counts what .omnictlignore names.
    """

    adoptions: tuple[Adoption, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    ignored: int = 0


class Draft(Struct, frozen=True):
    """A file that is yet to be written: where (``shown`` for people), what stands in it, and for which adoption."""

    adoption: Adoption
    path: str
    shown: str
    text: str
    claims_default: bool = False


class ImportedRow(Struct, frozen=True):
    """One line of what an import did: the scenario, its file as people know it, and whether that was written now.

    ``text`` is what stands in a new file.
    """

    scenario_id: str
    key: str
    name: str
    file: str
    written: bool
    text: str = ""


class ImportReport(Struct, frozen=True):
    """What an import did, or would do (``dry_run``); with ``files_only`` the state is left to the next apply.

    ``differing`` is what the next plan has to say of the imported scenarios: nothing, where all is well; None where
    no plan could be made. ``others`` is what it has to say of everything else. ``default`` is the id of the account
    default, where its file says so now. ``observed`` are the imported that are only observed, and whether their files
    differ from the account: no plan says anything of these.
    """

    environment: str
    host: str
    rows: tuple[ImportedRow, ...]
    left_out: tuple[LeftOut, ...]
    differing: tuple[Change, ...] | None
    others: tuple[Change, ...] = ()
    default: str | None = None
    observed: Mapping[str, bool] = field(default_factory=dict)
    serial: int = 0
    changed: bool = False
    dry_run: bool = False
    files_only: bool = False
    production: bool = False
    only_in: str | None = None
    ignored: int = 0
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def written(self) -> int:
        """How many files are new."""
        return sum(1 for each in self.rows if each.written)
