"""What happens while enterprises confirm their figures and the result is published: plain data to fill the demo.

Says nothing of grades, which only an evaluation gives. Days are working days counted from the opening of the
round that they belong to: of the confirmation, or of the publicity.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from random import Random
from typing import Literal

from pydantic import BaseModel, ConfigDict

from muheng.cities.demo.enterprises import Enterprise
from muheng.cities.demo.figures import UNITS, Figures
from muheng.cities.pack import Pack
from muheng.documents.diagnostic import format_diagnostics
from muheng.documents.schema import Number, validate
from muheng.documents.toml_file import read_toml

Subject = Literal["数据", "加分", "分组", "土地", "信用"]
By = Literal["本企业", "其他企业", "公众"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DisputeForm(_Strict):
    item: str
    factor: Number
    digits: int
    reason: str
    evidence: str
    upheld: bool
    answer: str


class ObjectionForm(_Strict):
    by: By
    subject: Subject
    item: str | None = None
    tag: str | None = None
    claimed: str | None = None
    reason: str
    upheld: bool
    answer: str


class Procedure(_Strict):
    """`procedure.toml`."""

    confirm_within: int = 10
    publicity: int = 7
    silent: float = 0.0
    dispute: tuple[DisputeForm, ...] = ()
    objection: tuple[ObjectionForm, ...] = ()


@dataclass(frozen=True)
class Confirmation:
    """An enterprise's answer to its sheet; one that never answered has no `day`."""

    code: str
    outcome: Literal["确认", "提出异议", "逾期未确认"]
    day: int | None
    person: str


@dataclass(frozen=True)
class FigureDispute:
    """A figure that an enterprise does not accept. `official` is the truth of the demo's year."""

    code: str
    item: str
    official: Decimal
    claimed: Decimal
    unit: str
    reason: str
    evidence: str
    upheld: bool
    answer: str
    raised: int
    answered: int


@dataclass(frozen=True)
class Objection:
    """An objection to the published result; `code` is the enterprise that it is about."""

    code: str
    by: By
    subject: Subject
    item: str | None
    claimed: str | None
    reason: str
    upheld: bool
    answer: str
    raised: int
    answered: int


def read_procedure(pack: Pack) -> Procedure:
    """Nobody disputes where there is no file. Raises ValueError when the file has mistakes."""
    path = pack.folder / "demo" / "procedure.toml"
    if not path.exists():
        return Procedure()
    file, found = read_toml(path, "/".join(path.parts[-3:]))
    procedure = None
    if file is not None:
        procedure, mistakes = validate(file, Procedure)
        found += mistakes
    if procedure is None:
        raise ValueError(format_diagnostics(found))
    return procedure


def list_graded(enterprises: Sequence[Enterprise], merged: Container[str], year: int) -> list[Enterprise]:
    """Those whom any policy grades on their own: what they say must matter."""
    return [
        e
        for e in enterprises
        if e.scale == "规上"
        and e.status == "正常"
        and not e.industry.utility
        and e.registered.year < year - 5
        and e.code not in merged
    ]


def make_disputes(
    enterprises: Sequence[Enterprise],
    figures: Mapping[str, Figures],
    procedure: Procedure,
    seed: int,
    year: int,
) -> tuple[FigureDispute, ...]:
    """One dispute for each form, each of another enterprise that has the figure."""
    random = Random(f"{seed}/disputes/{year}")
    taken: set[str] = set()
    disputes = []
    for form in procedure.dispute:
        # Small figures would not differ once they are rounded.
        able = [e.code for e in enterprises if e.code not in taken and (figures[e.code][form.item] or 0) > 10]
        code = random.choice(sorted(able))
        taken.add(code)
        official = figures[code][form.item] or Decimal(0)
        claimed = (official * form.factor).quantize(Decimal(1).scaleb(-form.digits), ROUND_HALF_UP)
        raised = random.randint(2, procedure.confirm_within)
        disputes.append(
            FigureDispute(
                code=code,
                item=form.item,
                official=official,
                claimed=claimed,
                unit=UNITS[form.item],
                reason=form.reason,
                evidence=form.evidence,
                upheld=form.upheld,
                answer=form.answer,
                raised=raised,
                answered=raised + random.randint(2, 5),
            )
        )
    return tuple(disputes)


def make_confirmations(
    enterprises: Sequence[Enterprise],
    disputes: Sequence[FigureDispute],
    persons: Mapping[str, str],
    procedure: Procedure,
    seed: int,
    year: int,
) -> tuple[Confirmation, ...]:
    """One for every enterprise, by code."""
    disputed = {dispute.code: dispute.raised for dispute in disputes}
    confirmations = []
    for e in sorted(enterprises, key=lambda e: e.code):
        random = Random(f"{seed}/confirmation/{year}/{e.code}")
        person = persons[e.code]
        if e.code in disputed:
            confirmations.append(Confirmation(e.code, "提出异议", disputed[e.code], person))
        elif random.random() < procedure.silent:
            confirmations.append(Confirmation(e.code, "逾期未确认", None, person))
        else:
            # Most answer in the first days or in the last ones.
            day = random.choice(
                (*range(1, procedure.confirm_within + 1), 1, 2, 2, 3, procedure.confirm_within)
            )
            confirmations.append(Confirmation(e.code, "确认", day, person))
    return tuple(confirmations)


def make_objections(
    enterprises: Sequence[Enterprise],
    figures: Mapping[str, Figures],
    procedure: Procedure,
    seed: int,
    year: int,
) -> tuple[Objection, ...]:
    """One objection for each form, each about another enterprise that it can be true of."""
    random = Random(f"{seed}/objections/{year}")
    taken: set[str] = set()
    objections = []
    for form in procedure.objection:
        able = [
            e.code
            for e in enterprises
            if e.code not in taken
            and (form.tag is None or form.tag in e.tags)
            and (form.item is None or (figures[e.code][form.item] or 0) > 10)
        ]
        code = random.choice(sorted(able))
        taken.add(code)
        raised = random.randint(1, procedure.publicity)
        objections.append(
            Objection(
                code=code,
                by=form.by,
                subject=form.subject,
                item=form.item,
                claimed=form.claimed,
                reason=form.reason,
                upheld=form.upheld,
                answer=form.answer,
                raised=raised,
                answered=raised + random.randint(3, 8),
            )
        )
    return tuple(objections)
