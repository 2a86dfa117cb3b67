"""Record a visit with all that was found and heard: one transaction, and once, however often a phone sends it.

The visit is a case; each hazard, its proposal and the order to rectify it, and each demand is a case below it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from muheng.casework.document import CaseType
from muheng.documents.message import Refusal
from muheng.liaison.photograph import kind_of, strip_photograph
from muheng.web.audit.actions import record
from muheng.web.casework.actions import Attachment, NewChild, act, open_case
from muheng.web.casework.kinds import find_type
from muheng.web.casework.models import Case
from muheng.web.casework.routing import first_office
from muheng.web.files.actions import store
from muheng.web.liaison.models import SentDraft
from muheng.web.liaison.queries import (
    DEMAND_TYPE,
    HAZARD_TYPE,
    PROPOSAL_TYPE,
    VISIT,
    VISIT_TYPE,
    may_visit,
    office_of,
)
from muheng.web.people.models import User
from muheng.web.people.rights import require
from muheng.web.reading import language
from muheng.web.refusal import Refused, invalid, refused_by
from muheng.web.registry.models import Enterprise
from muheng.web.templatetags.words import day as say_day

RECTIFICATION_TYPE = "rectification"
MOST_FINDINGS = 30
MOST_PHOTOS = 40
MOST_PHOTO_BYTES = 8 * 1024 * 1024
LONGEST_AGO = timedelta(days=366)
PHOTO_LABEL, BEFORE_LABEL = "现场照片", "整改前照片"


@dataclass(frozen=True)
class Photo:
    """A picture as it came."""

    name: str
    content: bytes


@dataclass(frozen=True)
class FoundHazard:
    """A hazard that was seen. ``limit``: the kind of rectification that is ordered at once, with its clock; empty: none yet."""

    title: str
    kind: str
    severity: str = "一般"
    spot: str = ""
    detail: str = ""
    proposal: str = ""
    proposal_kind: str = "management"
    limit: str = ""
    photos: tuple[Photo, ...] = ()


@dataclass(frozen=True)
class Heard:
    """A demand that the enterprise raised."""

    title: str
    kind: str
    detail: str = ""


@dataclass(frozen=True)
class Report:
    """What an officer brings home from a visit."""

    enterprise: Enterprise
    day: date
    way: str
    met: str = ""
    seen: str = ""
    title: str = ""
    photos: tuple[Photo, ...] = ()
    hazards: tuple[FoundHazard, ...] = ()
    demands: tuple[Heard, ...] = ()


def record_visit(actor: User, report: Report, *, key: str = "", at: datetime | None = None) -> Case:
    """The visit's case, with its child cases. With ``key``, the second time gives the case of the first. Raises Refused."""
    at = at or timezone.now()
    if not key:
        with transaction.atomic():
            return _record(actor, report, at)
    sent = _find_sent(actor, key)
    if sent is not None:
        return sent
    try:
        with transaction.atomic():
            # The row is there first: who sends the same at the same moment waits for us here, and then has our case.
            draft = SentDraft.objects.create(officer=actor, key=key[:64], sent_at=at)
            draft.case = _record(actor, report, at)
            draft.save(update_fields=("case",))
            return draft.case
    except IntegrityError:
        sent = _find_sent(actor, key)
        if sent is None:
            raise
        return sent


def _find_sent(actor: User, key: str) -> Case | None:
    sent = SentDraft.objects.filter(officer=actor, key=key[:64]).select_related("case").first()
    return sent.case if sent is not None else None


def _record(actor: User, report: Report, at: datetime) -> Case:
    require(actor, VISIT)
    enterprise = report.enterprise
    if not may_visit(actor, enterprise):
        raise Refused(_("没有找到这家企业。"), status=404, code="not_found")
    _check(report, timezone.localdate(at))
    office = office_of(actor)
    visit = _planned(actor, enterprise) or open_case(
        actor,
        VISIT_TYPE,
        report.title or _("走访%(name)s") % {"name": enterprise.name},
        enterprise=enterprise,
        organisation=office,
        handler=actor,
        part="opener",
        at=at,
    )
    act(
        actor,
        visit,
        "record",
        fields={
            "visited_on": report.day.isoformat(),
            "way": report.way,
            "seen": report.seen,
            "met": report.met,
        },
        files=_keep_photos(actor, report.photos, PHOTO_LABEL, "photo"),
        at=at,
    )
    if report.hazards:
        _record_hazards(actor, visit, report, at)
    if report.demands:
        _record_demands(actor, visit, report, at)
    if not report.hazards and not report.demands:
        # Nothing to follow up: the visit is done with.
        act(actor, visit, "close", at=at)
    record(
        actor,
        "liaison.visit",
        visit,
        enterprise=enterprise.code,
        hazards=len(report.hazards),
        demands=len(report.demands),
    )
    return Case.objects.select_related("enterprise").get(pk=visit.pk)


def _planned(actor: User, enterprise: Enterprise) -> Case | None:
    """A visit that was opened before it was made, and waits to be recorded."""
    waiting = Case.objects.filter(type=VISIT_TYPE, enterprise=enterprise, state="planned", handler=actor)
    return waiting.order_by("pk").first()


def _record_hazards(actor: User, visit: Case, report: Report, at: datetime) -> None:
    children = [
        NewChild(
            HAZARD_TYPE,
            hazard.title,
            hazard.kind,
            {
                "title": hazard.title,
                "detail": hazard.detail,
                "severity": hazard.severity,
                "spot": hazard.spot,
                "found_on": report.day.isoformat(),
            },
            _keep_photos(actor, hazard.photos, BEFORE_LABEL, f"hazard-{number}-photo"),
            handler=actor,
        )
        for number, hazard in enumerate(report.hazards)
    ]
    act(actor, visit, "find_hazard", children=children, at=at)
    opened = visit.children.filter(type=HAZARD_TYPE).order_by("-pk")[: len(children)]
    for case, hazard in zip(reversed(opened), report.hazards, strict=True):
        if hazard.proposal:
            proposal = NewChild(
                PROPOSAL_TYPE,
                _title_of(hazard.proposal),
                hazard.proposal_kind,
                {"title": _title_of(hazard.proposal), "detail": hazard.proposal},
                handler=actor,
            )
            act(actor, case, "suggest", children=[proposal], at=at)
        if hazard.limit:
            order = NewChild(
                RECTIFICATION_TYPE,
                hazard.title,
                hazard.limit,
                {"title": hazard.title, "detail": hazard.proposal or hazard.detail},
                handler=actor,
            )
            act(actor, case, "order", children=[order], at=at)


def _record_demands(actor: User, visit: Case, report: Report, at: datetime) -> None:
    office = first_office(find_type(DEMAND_TYPE), actor, report.enterprise, None)
    children = [
        NewChild(
            DEMAND_TYPE,
            demand.title,
            demand.kind,
            {"title": demand.title, "detail": demand.detail or demand.title, "source": "走访发现"},
            organisation=office,
        )
        for demand in report.demands
    ]
    act(actor, visit, "hear_demand", children=children, at=at)


def _title_of(text: str) -> str:
    """The first line, not longer than a title may be."""
    first = text.strip().splitlines()[0]
    return first if len(first) <= 60 else f"{first[:59]}…"


# -- checks ----------------------------------------------------------------------------------------------


def _check(report: Report, today: date) -> None:
    """Everything that the form can get wrong, with the field that it is about."""
    if report.day > today:
        raise invalid(_("走访日期不能晚于今天。"), "day")
    if today - report.day > LONGEST_AGO:
        raise invalid(
            _("走访日期太早：%(day)s。") % {"day": say_day(report.day)}, "day", _("只能补记一年以内的走访。")
        )
    ways = choices_of(find_type(VISIT_TYPE), "way")
    if report.way not in ways:
        raise invalid(_("请选走访方式：%(ways)s。") % {"ways": "、".join(ways)}, "way")
    if not report.seen.strip() and not report.hazards and not report.demands:
        raise invalid(_("请写走访情况：看了什么、谈了什么。"), "seen")
    if len(report.hazards) > MOST_FINDINGS or len(report.demands) > MOST_FINDINGS:
        raise invalid(
            _("一次走访最多记 %(most)s 处隐患、%(most)s 件诉求。") % {"most": MOST_FINDINGS},
            "seen",
            _("请分两次记。"),
        )
    photos = len(report.photos) + sum(len(hazard.photos) for hazard in report.hazards)
    if photos > MOST_PHOTOS:
        raise invalid(_("一次走访最多 %(most)s 张照片。") % {"most": MOST_PHOTOS}, "photo")
    hazard_type, limits = find_type(HAZARD_TYPE), find_type(RECTIFICATION_TYPE)
    for number, hazard in enumerate(report.hazards):
        where = f"hazard-{number}"
        if not hazard.title.strip():
            raise invalid(_("第 %(n)s 处隐患没有写是什么。") % {"n": number + 1}, f"{where}-title")
        _check_kind(hazard_type, hazard.kind, f"{where}-kind", _("请选第 %(n)s 处隐患的类别。"), number)
        if hazard.limit:
            _check_kind(limits, hazard.limit, f"{where}-limit", _("请选第 %(n)s 处隐患的整改期限。"), number)
        if hazard.proposal:
            _check_kind(
                find_type(PROPOSAL_TYPE),
                hazard.proposal_kind,
                f"{where}-proposal_kind",
                _("请选第 %(n)s 条建议的类别。"),
                number,
            )
    for number, demand in enumerate(report.demands):
        if not demand.title.strip():
            raise invalid(_("第 %(n)s 件诉求没有写是什么。") % {"n": number + 1}, f"demand-{number}-title")
        _check_kind(
            find_type(DEMAND_TYPE),
            demand.kind,
            f"demand-{number}-kind",
            _("请选第 %(n)s 件诉求的类别。"),
            number,
        )


def _check_kind(case_type: CaseType, kind: str, at: str, what: str, number: int) -> None:
    if case_type.kind(kind) is None:
        raise invalid(what % {"n": number + 1}, at)


def choices_of(case_type: CaseType, name: str) -> tuple[str, ...]:
    """What a field of a type may be."""
    declared = case_type.field(name)
    return declared.choices if declared is not None else ()


def too_large(name: str, at: str) -> Refused:
    return invalid(
        _("照片“%(name)s”超过 %(most)s MB。") % {"name": name[:60], "most": MOST_PHOTO_BYTES // 1024**2},
        at,
        _("请用较小的尺寸拍照。"),
    )


def _keep_photos(actor: User, photos: Iterable[Photo], label: str, at: str) -> Sequence[Attachment]:
    """Each stored without what the camera noted beside it. Raises Refused for what is no picture."""
    kept = []
    for photo in photos:
        if len(photo.content) > MOST_PHOTO_BYTES:
            raise too_large(photo.name, at)
        try:
            content = strip_photograph(photo.content)
        except Refusal as refusal:
            refused = refused_by(refusal, language())
            raise invalid(f"{photo.name[:60]}：{refused.what}", at, refused.fix) from refusal
        stem = photo.name.rsplit(".", 1)[0] or "photo"
        kept.append(Attachment(store(content, f"{stem}.{kind_of(content)}", actor), label))
    return kept


def options_for() -> dict[str, Any]:
    """What the form offers: the ways, and the kinds of everything, by the city's case types."""

    def kinds(type_id: str) -> list[tuple[str, str]]:
        return [(each.id, each.title(language())) for each in find_type(type_id).kinds]

    limits = find_type(RECTIFICATION_TYPE)
    clock = limits.clock("rectify")
    return {
        "ways": choices_of(find_type(VISIT_TYPE), "way"),
        "severities": choices_of(find_type(HAZARD_TYPE), "severity"),
        "hazards": kinds(HAZARD_TYPE),
        "proposals": kinds(PROPOSAL_TYPE),
        "demands": kinds(DEMAND_TYPE),
        "limits": [
            (each.id, each.title(language()), clock.limit(each.id) if clock is not None else None)
            for each in limits.kinds
        ],
    }
