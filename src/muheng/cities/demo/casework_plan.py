"""What happens in a demo city's casework: the pack's `demo/casework.toml` and the words that cities share, checked.

Counts here are what the city's articles say, or are marked as examples in the file. Nothing is drawn here.
"""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from muheng.cities.pack import PACKS, Pack
from muheng.documents.diagnostic import format_diagnostics
from muheng.documents.schema import validate
from muheng.documents.toml_file import read_toml

Turn = Literal[
    "late_accept",
    "returned",
    "paused",
    "extended",
    "joint",
    "duplicate",
    "objected",
    "reopened",
    "revisited",
    "urged",
    "escalated",
    "slow",
    "unconfirmed",
]
"""What happens to a demand beside the ordinary."""
M = TypeVar("M", bound="_Strict")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DemandForm(_Strict):
    about: str
    text: str
    answer: str
    ecology: bool = False


class KindForms(_Strict):
    id: str
    demand: tuple[DemandForm, ...] = Field(min_length=1)


class Phrases(_Strict):
    """What is written on the way, by what it is written for."""

    progress: tuple[str, ...]
    internal: tuple[str, ...]
    pause: tuple[str, ...]
    extend: tuple[str, ...]
    incomplete: tuple[str, ...]
    joint: tuple[str, ...]
    assisted: tuple[str, ...]
    object: tuple[str, ...]
    again: tuple[str, ...]
    reopen: tuple[str, ...]
    urge: tuple[str, ...]
    close: tuple[str, ...]
    revisit: tuple[str, ...]
    duplicate: tuple[str, ...]
    praise: tuple[str, ...]
    refuse: tuple[str, ...]


class DemandWords(_Strict):
    """`common/demo/demands.toml`."""

    kind: tuple[KindForms, ...]
    phrases: Phrases

    def forms(self, kind: str, ecology: bool) -> tuple[DemandForm, ...]:
        """All of a kind, or those that a bureau of ecology answers."""
        forms = next(each.demand for each in self.kind if each.id == kind)
        return tuple(form for form in forms if form.ecology or kind == "environment") if ecology else forms


class HazardForm(_Strict):
    kind: str
    found: str
    proposal: str
    done: str


class HazardWords(_Strict):
    """`common/demo/hazards.toml`."""

    hazard: tuple[HazardForm, ...]


class PersonOf(_Strict):
    """An account that the demo names; `office` is a department, or empty for the city itself."""

    username: str
    name: str
    english: str
    post: str
    role: str
    office: str = ""


class SolvedRound(_Strict):
    """Demands that were opened and closed within a period, by the office that answered them."""

    since: date
    until: date
    kinds: tuple[str, ...]
    offices: dict[str, int]
    turns: dict[Turn, int] = {}
    refused: int = 0
    withdrawn: int = 0


class RecentRound(_Strict):
    """Demands opened within the last working days before the demo's today; each is as far as it is."""

    days: int
    count: int
    kinds: tuple[str, ...]
    turns: dict[Turn, int] = {}


class PairingPlan(_Strict):
    """Officers and how many enterprises each looks after, of the county of their office or of the city.

    Every enterprise was visited in each of the full `quarters` before the present one, but for a few; `overdue`
    of them were not visited in the last, nor since.
    """

    officers: dict[str, int]
    quarters: int
    overdue: int
    heard: int
    """Demands that were heard on visits."""


class InspectionPlan(_Strict):
    """What experts found on visits, and the proposals that they made; `stalled` are not rectified in time."""

    visits: int
    hazards: int
    proposals: int
    stalled: int


class CaseworkPlan(_Strict):
    """`casework.toml`."""

    person: tuple[PersonOf, ...]
    enterprise: PersonOf | None = None
    """The account of an enterprise; None where the demo has one already."""
    ecology: bool = False
    """Enterprises turn to a bureau of ecology only."""
    handlers: dict[str, str] = {}
    """Office → account, where the person who answers for it is one of `person`."""
    solved: tuple[SolvedRound, ...] = ()
    recent: RecentRound | None = None
    pairing: PairingPlan | None = None
    inspection: InspectionPlan | None = None


def read_plan(pack: Pack) -> CaseworkPlan:
    """Raises ValueError, with every diagnostic, when the file has mistakes."""
    return _read(pack.folder / "demo" / "casework.toml", CaseworkPlan)


@cache
def read_demand_words() -> DemandWords:
    return _read(PACKS / "common" / "demo" / "demands.toml", DemandWords)


@cache
def read_hazard_words() -> HazardWords:
    return _read(PACKS / "common" / "demo" / "hazards.toml", HazardWords)


def _read(path: Path, model: type[M]) -> M:
    file, found = read_toml(path, "/".join(path.parts[-3:]))
    value = None
    if file is not None:
        value, mistakes = validate(file, model)
        found += mistakes
    if value is None:
        raise ValueError(format_diagnostics(found))
    return value
