"""Needs, offers, credits and gatherings for programs: the same actions and scope as the pages.

Sums are whole fen, labour is persons, rates are hundredths of a percent.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Query, Router, Schema, Status
from pydantic import Field

from muheng.matching.money import MOST
from muheng.web.api_description import XLSX
from muheng.web.matching import figures
from muheng.web.matching.actions import credits as lending
from muheng.web.matching.actions import gatherings as meeting
from muheng.web.matching.actions.introductions import advance, ask_for, introduce
from muheng.web.matching.actions.needs import NeedTerms, change_need, end_need, file_need
from muheng.web.matching.actions.suppliers import (
    OfferTerms,
    add_offer,
    add_supplier,
    change_offer,
    end_offer,
)
from muheng.web.matching.candidates import needs_for, offers_for
from muheng.web.matching.figures import Span
from muheng.web.matching.models import (
    Attendance,
    Credit,
    CreditLine,
    Gathering,
    Introduction,
    Need,
    Offer,
    Supplier,
    Tag,
)
from muheng.web.matching.pages.common import find, home_place
from muheng.web.matching.pages.overview import write_figures
from muheng.web.matching.queries import (
    EDIT,
    VIEW,
    credits_seen,
    gatherings_seen,
    introductions_seen,
    needs_seen,
    offers_seen,
    own_enterprises,
    suppliers_seen,
)
from muheng.web.matching.wording import show_candidate, show_kept
from muheng.web.paging import Listed, Part, answer_list
from muheng.web.people.models import Organisation
from muheng.web.people.rights import holds, represents, require
from muheng.web.refusal import Refused
from muheng.web.registry.models import Enterprise
from muheng.web.registry.queries import is_own, may, official_scope

PREFIX = "matching"
router = Router(tags=["供需对接"])

KindName = Literal["finance", "technology", "labour"]
Amount = Annotated[int, Field(ge=1, le=MOST, description="资金、技术以分计，用工以人计。")]
Fen = Annotated[int, Field(ge=1, le=MOST, description="金额，以分计。")]
Rate = Annotated[int, Field(ge=0, le=10_000, description="年利率，万分之几：385 即 3.85%。")]
Days = Annotated[int, Field(ge=0, le=3_650)]
Months = Annotated[int, Field(ge=1, le=600, description="月数。")]
Id = Annotated[int, Field(ge=1, le=2**53)]
Count = Annotated[int, Field(ge=0, le=10_000_000)]
_KIND = "finance 资金，technology 技术，labour 用工。"


class EnterpriseNamed(Schema):
    """An enterprise."""

    code: str
    name: str


class MatchReason(Schema):
    name: str
    what: str
    points: int


class CandidateShown(Schema):
    """How a need and an offer fit. ``place`` is 0 for those that do not."""

    number: int = Field(description="供给的编号；给一项供给找需求时，是需求的编号。")
    title: str
    whose: str = Field(description="供方的名称，或企业的名称。")
    fits: bool
    place: int
    points: int
    reasons: list[MatchReason] = Field(description="得分的理由。")
    against: list[MatchReason] = Field(description="不符合的硬条件，差多少。")
    open: list[MatchReason] = Field(description="要核实的。")
    missed: list[MatchReason] = Field(description="没有得分的。")


def _candidate(number: int, title: str, whose: str, shown: dict[str, Any]) -> dict[str, Any]:
    return {
        "number": number,
        "title": title,
        "whose": whose,
        "fits": shown["fits"],
        "place": shown["place"],
        "points": shown["points"],
        "reasons": shown["for"],
        "against": shown["against"],
        "open": shown["open"],
        "missed": shown["missed"],
    }


# -- tags ----------------------------------------------------------------------------------------------


class TagShown(Schema):
    kind: str
    name: str


@router.get("/tags", response=Listed[TagShown], summary="标签")
def list_tags(request: HttpRequest, part: Query[Part]) -> HttpResponse:
    """The words that needs and offers are marked with."""
    _enter(request)
    return answer_list(request, Tag.objects.all(), part, lambda row: {"kind": row.kind, "name": row.name})


# -- needs ---------------------------------------------------------------------------------------------


class NeedGiven(Schema):
    """What an enterprise looks for."""

    title: str = Field(max_length=120)
    text: str = Field("", max_length=2000)
    amount: Amount | None = None
    months: Months | None = None
    rate: Rate | None = None
    wanted_by: date | None = Field(None, description="最晚什么时候要。")
    tags: list[str] = Field([], max_length=30)
    must: list[str] = Field([], max_length=30, description="必须有的标签。")

    def terms(self) -> NeedTerms:
        return NeedTerms(
            self.title,
            self.text,
            self.amount,
            self.months,
            self.rate,
            self.wanted_by,
            tuple(self.tags),
            tuple(self.must),
        )


class NewNeed(NeedGiven):
    enterprise: str = Field(max_length=30, description="统一社会信用代码。")
    kind: KindName = Field(description=_KIND)


class ChangedNeed(NeedGiven):
    version: Count | None = Field(None, description="看到的版本；之间有人改过就拒绝。")


class NeedShown(Schema):
    number: int
    enterprise: EnterpriseNamed
    kind: str
    title: str
    text: str
    amount: int | None
    months: int | None
    rate: int | None
    wanted_by: str | None
    tags: list[str]
    must: list[str]
    case_number: str
    state: str
    opened_at: str
    closed_at: str | None
    closed_reason: str
    version: int


class NeedFilter(Schema):
    kind: Literal["", "finance", "technology", "labour"] = Field("", description=_KIND)
    state: Literal["", "open", "talking", "met", "ended"] = Field(
        "", description="open 待对接，talking 对接中，met 已落实，ended 已结束。"
    )
    enterprise: str = Field("", max_length=30, description="统一社会信用代码。")


class NeedEnding(Schema):
    reason: str = Field(max_length=300)
    met: bool = Field(False, description="已经解决；否则是不再需要，或办不成。")


class WhyEnded(Schema):
    reason: str = Field(max_length=300)


@router.get("/needs", response=Listed[NeedShown], summary="需求列表")
def list_needs(request: HttpRequest, filters: Query[NeedFilter], part: Query[Part]) -> HttpResponse:
    """Needs that the person may see, the newest first."""
    _enter(request)
    rows = needs_seen(request.user).prefetch_related("tags", "must")
    if filters.kind:
        rows = rows.filter(kind=filters.kind)
    if filters.state:
        rows = rows.filter(state=filters.state)
    if filters.enterprise:
        rows = rows.filter(enterprise__code=filters.enterprise)
    return answer_list(request, rows.order_by("-opened_at", "-pk"), part, _need)


@router.post("/needs", response={201: NeedShown}, summary="提出需求")
def add_need(request: HttpRequest, given: NewNeed) -> Status[dict[str, Any]]:
    """By the enterprise's own account, or by an official who looks after it."""
    enterprise = _enterprise(request, given.enterprise)
    return Status(201, _need(file_need(request.user, enterprise, given.kind, given.terms())))


@router.get("/needs/{number}", response=NeedShown, summary="一项需求")
def show_need(request: HttpRequest, number: int) -> dict[str, Any]:
    """One need."""
    return _need(find(needs_seen(request.user), number))


@router.put("/needs/{number}", response=NeedShown, summary="修改需求")
def put_need(request: HttpRequest, number: int, given: ChangedNeed) -> dict[str, Any]:
    """Other terms, while it is still looked for."""
    need = find(needs_seen(request.user), number)
    return _need(change_need(request.user, need, given.terms(), version=given.version))


@router.post("/needs/{number}/end", response=NeedShown, summary="结束需求")
def close_need(request: HttpRequest, number: int, given: NeedEnding) -> dict[str, Any]:
    """It is met, or given up."""
    need = find(needs_seen(request.user), number)
    return _need(end_need(request.user, need, given.reason, met=given.met))


@router.get("/needs/{number}/candidates", response=Listed[CandidateShown], summary="谁能满足，为什么")
def list_offers_for(request: HttpRequest, number: int, part: Query[Part]) -> HttpResponse:
    """Every offer of the kind, the best first, with what speaks for it and against."""
    need = find(needs_seen(request.user), number)
    public = not may(request.user, EDIT, need.enterprise)
    offers = offers_seen(request.user).filter(kind=need.kind, state=Offer.State.OPEN)
    found = offers_for(need, offers, timezone.localdate())
    return answer_list(
        request,
        found,
        part,
        lambda each: _candidate(
            each.row.pk,
            each.row.title,
            each.row.supplier.name,
            show_candidate(each.candidate, public=public),
        ),
    )


def _need(need: Need) -> dict[str, Any]:
    return {
        "number": need.pk,
        "enterprise": {"code": need.enterprise.code, "name": need.enterprise.name},
        "kind": need.kind,
        "title": need.title,
        "text": need.text,
        "amount": need.amount,
        "months": need.months,
        "rate": need.rate,
        "wanted_by": _day(need.wanted_by),
        "tags": [tag.name for tag in need.tags.all()],
        "must": [tag.name for tag in need.must.all()],
        "case_number": need.case_number,
        "state": need.state,
        "opened_at": need.opened_at.isoformat(),
        "closed_at": need.closed_at.isoformat() if need.closed_at else None,
        "closed_reason": need.closed_reason,
        "version": need.version,
    }


# -- suppliers and offers ------------------------------------------------------------------------------


class NewSupplier(Schema):
    kind: KindName = Field(description=_KIND)
    name: str = Field(max_length=120)
    about: str = Field("", max_length=1000)
    contact: str = Field("", max_length=60)
    phone: str = Field("", max_length=30)
    place: Id | None = Field(None, description="所在县区、园区或镇街的编号，见 /api/people/organisations。")


class SupplierShown(Schema):
    number: int
    kind: str
    name: str
    about: str
    contact: str
    phone: str
    place: int | None
    keeper: int = Field(description="由谁登记：机构的编号。")


class OfferGiven(Schema):
    """What a supplier gives, and to whom; what is left out is no limit."""

    title: str = Field(max_length=120)
    text: str = Field("", max_length=2000)
    least: Amount | None = None
    most: Amount | None = None
    capacity: Amount | None = None
    months: Months | None = None
    rate: Rate | None = None
    lead_days: Days | None = Field(None, description="几天能办好。")
    since: date | None = None
    until: date | None = None
    regions: list[Id] = Field([], max_length=60, description="服务的县区、园区的编号。")
    industries: list[str] = Field([], max_length=60, description="只对行业：GB/T 4754 代码。")
    grades: list[str] = Field([], max_length=10)
    statuses: list[str] = Field([], max_length=20)
    tags: list[str] = Field([], max_length=30)

    def terms(self) -> OfferTerms:
        return OfferTerms(
            title=self.title,
            text=self.text,
            least=self.least,
            most=self.most,
            capacity=self.capacity,
            months=self.months,
            rate=self.rate,
            lead_days=self.lead_days,
            since=self.since,
            until=self.until,
            regions=tuple(_place(each, "regions") for each in self.regions),
            industries=tuple(self.industries),
            grades=tuple(self.grades),
            statuses=tuple(self.statuses),
            tags=tuple(self.tags),
        )


class NewOffer(OfferGiven):
    supplier: Id = Field(description="供方的编号。")


class ChangedOffer(OfferGiven):
    version: Count | None = Field(None, description="看到的版本；之间有人改过就拒绝。")


class OfferShown(Schema):
    number: int
    supplier: int
    supplier_name: str
    kind: str
    title: str
    text: str
    least: int | None
    most: int | None
    capacity: int | None = Field(description="总量；企业的账号看不到。")
    left: int | None = Field(description="余量；企业的账号看不到。")
    months: int | None
    rate: int | None
    lead_days: int | None
    since: str | None
    until: str | None
    regions: list[int]
    industries: list[str]
    grades: list[str]
    statuses: list[str]
    tags: list[str]
    state: str
    version: int


class OfferFilter(Schema):
    kind: Literal["", "finance", "technology", "labour"] = Field("", description=_KIND)
    state: Literal["", "open", "ended"] = Field("", description="open 有效，ended 已停止。")
    supplier: Id | None = Field(None, description="供方的编号。")


class SupplierFilter(Schema):
    kind: Literal["", "finance", "technology", "labour"] = Field("", description=_KIND)


@router.get("/suppliers", response=Listed[SupplierShown], summary="供方列表")
def list_suppliers(request: HttpRequest, filters: Query[SupplierFilter], part: Query[Part]) -> HttpResponse:
    """Banks, technology suppliers and labour agencies, for officials."""
    require(request.user, VIEW)
    rows = suppliers_seen(request.user)
    if filters.kind:
        rows = rows.filter(kind=filters.kind)
    return answer_list(request, rows.order_by("pk"), part, _supplier)


@router.post("/suppliers", response={201: SupplierShown}, summary="登记供方")
def new_supplier(request: HttpRequest, given: NewSupplier) -> Status[dict[str, Any]]:
    """Kept by the officials of the person's place."""
    require(request.user, EDIT)
    keeper = home_place(request.user, EDIT)
    if keeper is None:
        raise Http404
    place = _place(given.place, "place") if given.place is not None else None
    row = add_supplier(
        request.user,
        given.kind,
        given.name,
        keeper=keeper,
        place=place,
        about=given.about,
        contact=given.contact,
        phone=given.phone,
    )
    return Status(201, _supplier(row))


@router.get("/offers", response=Listed[OfferShown], summary="供给列表")
def list_offers(request: HttpRequest, filters: Query[OfferFilter], part: Query[Part]) -> HttpResponse:
    """Officials see all; an enterprise those in force, without what is left."""
    _enter(request)
    rows = offers_seen(request.user)
    if filters.kind:
        rows = rows.filter(kind=filters.kind)
    if filters.state:
        rows = rows.filter(state=filters.state)
    if filters.supplier is not None:
        rows = rows.filter(supplier=filters.supplier)
    official = holds(request.user, VIEW)
    return answer_list(request, rows.order_by("-added_at", "-pk"), part, lambda row: _offer(row, official))


@router.post("/offers", response={201: OfferShown}, summary="登记供给")
def new_offer(request: HttpRequest, given: NewOffer) -> Status[dict[str, Any]]:
    """By officials who keep the supplier."""
    supplier = find(suppliers_seen(request.user), given.supplier)
    return Status(201, _offer(add_offer(request.user, supplier, given.terms()), True))


@router.get("/offers/{number}", response=OfferShown, summary="一项供给")
def show_offer(request: HttpRequest, number: int) -> dict[str, Any]:
    """One offer."""
    return _offer(find(offers_seen(request.user), number), holds(request.user, VIEW))


@router.put("/offers/{number}", response=OfferShown, summary="修改供给")
def put_offer(request: HttpRequest, number: int, given: ChangedOffer) -> dict[str, Any]:
    """New terms; what was agreed stays agreed."""
    offer = find(offers_seen(request.user), number)
    return _offer(change_offer(request.user, offer, given.terms(), version=given.version), True)


@router.post("/offers/{number}/end", response=OfferShown, summary="停止供给")
def stop_offer(request: HttpRequest, number: int, given: WhyEnded) -> dict[str, Any]:
    """It is no longer offered."""
    return _offer(end_offer(request.user, find(offers_seen(request.user), number), given.reason), True)


@router.get("/offers/{number}/candidates", response=Listed[CandidateShown], summary="适合哪些需求，为什么")
def list_needs_for(request: HttpRequest, number: int, part: Query[Part]) -> HttpResponse:
    """Needs that the official looks after, the best first."""
    require(request.user, VIEW)
    offer = find(offers_seen(request.user), number)
    live = needs_seen(request.user).filter(kind=offer.kind, state__in=(Need.State.OPEN, Need.State.TALKING))
    found = needs_for(offer, list(live.prefetch_related("tags", "must")), timezone.localdate())
    return answer_list(
        request,
        found,
        part,
        lambda each: _candidate(
            each.row.pk, each.row.title, each.row.enterprise.name, show_candidate(each.candidate)
        ),
    )


def _supplier(row: Supplier) -> dict[str, Any]:
    return {
        "number": row.pk,
        "kind": row.kind,
        "name": row.name,
        "about": row.about,
        "contact": row.contact,
        "phone": row.phone,
        "place": row.place_id,
        "keeper": row.keeper_id,
    }


def _offer(row: Offer, official: bool) -> dict[str, Any]:
    return {
        "number": row.pk,
        "supplier": row.supplier_id,
        "supplier_name": row.supplier.name,
        "kind": row.kind,
        "title": row.title,
        "text": row.text,
        "least": row.least,
        "most": row.most,
        "capacity": row.capacity if official else None,
        "left": row.left if official else None,
        "months": row.months,
        "rate": row.rate,
        "lead_days": row.lead_days,
        "since": _day(row.since),
        "until": _day(row.until),
        "regions": [each.pk for each in row.regions.all()],
        "industries": row.industries,
        "grades": row.grades,
        "statuses": row.statuses,
        "tags": [tag.name for tag in row.tags.all()],
        "state": row.state,
        "version": row.version,
    }


# -- introductions -------------------------------------------------------------------------------------


class NewIntroduction(Schema):
    need: Id = Field(description="需求的编号。")
    offer: Id = Field(description="供给的编号。")
    reason: str = Field("", max_length=500, description="条件不符合时，仍要推介的原因。")


class IntroductionNext(Schema):
    state: Literal["introduced", "contacted", "agreed", "failed"] = Field(
        description="introduced 已推介，contacted 已接洽，agreed 已达成，failed 未达成。"
    )
    on: date | None = Field(None, description="哪一天；不写就是今天。")
    note: str = Field("", max_length=500)
    amount: Amount | None = None
    version: Count | None = Field(None, description="看到的版本；之间有人改过就拒绝。")


class IntroductionStep(Schema):
    number: int
    state: str
    on: str
    by: str
    amount: int | None
    note: str


class IntroductionShown(Schema):
    number: int
    need: int
    offer: int
    enterprise: EnterpriseNamed
    supplier_name: str
    state: str
    points: int
    fits: bool
    amount: int | None
    introduced_at: str
    version: int


class IntroductionWhole(IntroductionShown):
    reasons: dict[str, list[MatchReason]] = Field(description="推介时的理由，按 for、against、open、missed。")
    steps: list[IntroductionStep]


class IntroductionFilter(Schema):
    state: Literal["", "asked", "introduced", "contacted", "agreed", "failed"] = Field(
        "", description="asked 企业申请，introduced 已推介，contacted 已接洽，agreed 已达成，failed 未达成。"
    )


@router.get("/introductions", response=Listed[IntroductionShown], summary="对接列表")
def list_introductions(
    request: HttpRequest, filters: Query[IntroductionFilter], part: Query[Part]
) -> HttpResponse:
    """Introductions of needs that the person may see, the newest first."""
    _enter(request)
    rows = introductions_seen(request.user)
    if filters.state:
        rows = rows.filter(state=filters.state)
    return answer_list(request, rows.order_by("-introduced_at", "-pk"), part, _introduction)


@router.post("/introductions", response={201: IntroductionWhole}, summary="推介，或企业申请对接")
def new_introduction(request: HttpRequest, given: NewIntroduction) -> Status[dict[str, Any]]:
    """An official introduces; the enterprise's own account asks for it."""
    need = find(needs_seen(request.user), given.need)
    offer = find(offers_seen(request.user), given.offer)
    if is_own(request.user, need.enterprise):
        row = ask_for(request.user, need, offer)
    else:
        row = introduce(request.user, need, offer, reason=given.reason)
    return Status(201, _whole(request, row))


@router.get("/introductions/{number}", response=IntroductionWhole, summary="一次对接")
def show_introduction(request: HttpRequest, number: int) -> dict[str, Any]:
    """With its reasons and steps."""
    return _whole(request, find(introductions_seen(request.user), number))


@router.post("/introductions/{number}/steps", response=IntroductionWhole, summary="记下一步")
def add_step(request: HttpRequest, number: int, given: IntroductionNext) -> dict[str, Any]:
    """Contact made, agreed, or come to nothing."""
    row = find(introductions_seen(request.user), number)
    row = advance(
        request.user,
        row,
        given.state,
        note=given.note,
        amount=given.amount,
        on=given.on,
        version=given.version,
    )
    return _whole(request, row)


def _introduction(row: Introduction) -> dict[str, Any]:
    enterprise = row.need.enterprise
    return {
        "number": row.pk,
        "need": row.need_id,
        "offer": row.offer_id,
        "enterprise": {"code": enterprise.code, "name": enterprise.name},
        "supplier_name": row.offer.supplier.name,
        "state": row.state,
        "points": row.points,
        "fits": row.fits,
        "amount": row.amount,
        "introduced_at": row.introduced_at.isoformat(),
        "version": row.version,
    }


def _whole(request: HttpRequest, row: Introduction) -> dict[str, Any]:
    public = not may(request.user, EDIT, row.need.enterprise)
    return _introduction(row) | {
        "reasons": show_kept(row.reasons, public=public),
        "steps": [
            {
                "number": step.number,
                "state": step.state,
                "on": step.on.isoformat(),
                "by": step.by.name if step.by else "",
                "amount": step.amount,
                "note": step.note,
            }
            for step in row.steps.select_related("by")
        ],
    }


# -- credits -------------------------------------------------------------------------------------------


class NewCredit(Schema):
    enterprise: str = Field(max_length=30, description="统一社会信用代码。")
    bank: Id = Field(description="供方的编号。")
    granted: Fen
    since: date = Field(description="授信日期。")
    until: date | None = Field(None, description="到期日。")
    document: str = Field(max_length=200, description="授信文件。")
    revolving: bool = Field(False, description="循环额度，还了可以再借。")
    introduction: Id | None = Field(None, description="由哪次对接而来。")


class NewCreditLine(Schema):
    act: Literal["lend", "repay", "reverse"] = Field(description="lend 放款，repay 还款，reverse 冲正。")
    amount: Fen | None = Field(None, description="以分计；冲正不用写。")
    on: date | None = Field(None, description="哪一天；不写就是今天。")
    of: Count | None = Field(None, description="归还哪一笔放款，或冲正哪一笔。")
    document: str = Field("", max_length=200)
    reason: str = Field("", max_length=300)


class CreditShown(Schema):
    number: int
    enterprise: EnterpriseNamed
    bank: int
    bank_name: str
    granted: int = Field(description="以分计。")
    lent: int
    repaid: int
    outstanding: int
    left: int = Field(description="还可以放款；超授信放款后是负数。")
    since: str
    until: str | None
    document: str
    revolving: bool
    void: bool


class CreditLineShown(Schema):
    number: int
    act: str
    amount: int
    on: str
    of: int | None
    document: str
    reason: str
    by: str


class CreditBook(CreditShown):
    book: list[CreditLineShown]


class CreditFilter(Schema):
    enterprise: str = Field("", max_length=30, description="统一社会信用代码。")
    bank: Id | None = Field(None, description="供方的编号。")


@router.get("/credits", response=Listed[CreditShown], summary="授信列表")
def list_credits(request: HttpRequest, filters: Query[CreditFilter], part: Query[Part]) -> HttpResponse:
    """Credits of the enterprises that the person may see, those made void included."""
    _enter(request)
    rows = credits_seen(request.user)
    if filters.enterprise:
        rows = rows.filter(enterprise__code=filters.enterprise)
    if filters.bank is not None:
        rows = rows.filter(bank=filters.bank)
    return answer_list(request, rows.order_by("-since", "-pk"), part, _credit)


@router.post("/credits", response={201: CreditBook}, summary="登记授信")
def new_credit(request: HttpRequest, given: NewCredit) -> Status[dict[str, Any]]:
    """Credit that a bank granted."""
    require(request.user, EDIT)
    inside = official_scope(request.user, EDIT).filter(Enterprise.objects.filter(merged_into=None))
    enterprise = inside.filter(code=given.enterprise).first()
    if enterprise is None:
        raise Http404
    introduction = (
        find(introductions_seen(request.user), given.introduction) if given.introduction is not None else None
    )
    row = lending.grant_credit(
        request.user,
        enterprise,
        find(suppliers_seen(request.user), given.bank),
        given.granted,
        since=given.since,
        until=given.until,
        document=given.document,
        revolving=given.revolving,
        introduction=introduction,
    )
    return Status(201, _book(row))


@router.get("/credits/{number}", response=CreditBook, summary="一笔授信的台账")
def show_credit(request: HttpRequest, number: int) -> dict[str, Any]:
    """With every line of its book."""
    return _book(find(credits_seen(request.user), number))


@router.post("/credits/{number}/lines", response=CreditBook, summary="记一笔放款、还款或冲正")
def add_line(request: HttpRequest, number: int, given: NewCreditLine) -> dict[str, Any]:
    """Lent, repaid, or a line taken back."""
    row = find(credits_seen(request.user), number)
    on = given.on or timezone.localdate()
    if given.act == "reverse":
        lending.reverse_line(request.user, row, given.of or 0, given.reason, on=given.on)
    elif given.amount is None:
        raise Refused(
            _("“%(field)s”没有填。") % {"field": _("金额")}, status=422, code="invalid", at="amount"
        )
    elif given.act == "lend":
        lending.lend(request.user, row, given.amount, on, document=given.document, reason=given.reason)
    else:
        lending.repay(request.user, row, given.of or 0, given.amount, on, document=given.document)
    return _book(find(credits_seen(request.user), number))


@router.post("/credits/{number}/void", response=CreditBook, summary="作废记错的授信")
def void_credit(request: HttpRequest, number: int, given: WhyEnded) -> dict[str, Any]:
    """One under which nothing is lent."""
    row = find(credits_seen(request.user), number)
    return _book(lending.void_credit(request.user, row, given.reason))


def _credit(row: Credit) -> dict[str, Any]:
    return {
        "number": row.pk,
        "enterprise": {"code": row.enterprise.code, "name": row.enterprise.name},
        "bank": row.bank_id,
        "bank_name": row.bank.name,
        "granted": row.granted,
        "lent": row.lent,
        "repaid": row.repaid,
        "outstanding": row.outstanding,
        "left": row.left,
        "since": row.since.isoformat(),
        "until": _day(row.until),
        "document": row.document,
        "revolving": row.revolving,
        "void": row.voided_at is not None,
    }


def _book(row: Credit) -> dict[str, Any]:
    lines = CreditLine.objects.filter(credit=row).select_related("by").order_by("number")
    return _credit(row) | {
        "book": [
            {
                "number": line.number,
                "act": line.act,
                "amount": line.amount,
                "on": line.on.isoformat(),
                "of": line.of,
                "document": line.document,
                "reason": line.reason,
                "by": line.by.name if line.by else "",
            }
            for line in lines
        ]
    }


# -- gatherings ----------------------------------------------------------------------------------------


class NewGathering(Schema):
    kind: Literal["banks", "salon", "lecture", "law", "technology", "jobs", "training"] = Field(
        description="banks 政银企对接会，salon 企业沙龙，lecture 生态环境大讲堂，law 送法入企，technology 技术对接会，"
        "jobs 用工对接会，training 培训。"
    )
    title: str = Field(max_length=120)
    on: date
    place: str = Field(max_length=120)


class GuestCodes(Schema):
    codes: list[str] = Field(max_length=2000, description="统一社会信用代码。")


class GatheringHeld(Schema):
    heads: Count = Field(description="到场人数。")
    summary: str = Field("", max_length=1000)


class HandedOut(Schema):
    kind: Literal["leaflet", "booklet", "policy", "other"] = Field(
        description="leaflet 宣传单，booklet 手册，policy 政策清单，other 其他。"
    )
    title: str = Field(max_length=120)
    count: Count


class MaterialShown(Schema):
    kind: str
    title: str
    count: int


class GatheringShown(Schema):
    number: int
    kind: str
    title: str
    on: str
    place: str
    host: int
    county: int | None
    state: str
    heads: int | None
    summary: str


class GatheringWhole(GatheringShown):
    invited: int = Field(description="邀请的企业。")
    signed: int = Field(description="签到的企业。")
    materials: list[MaterialShown]


class GatheringFilter(Schema):
    state: Literal["", "planned", "held", "cancelled"] = Field(
        "", description="planned 筹备中，held 已举办，cancelled 已取消。"
    )


class GuestsChanged(Schema):
    changed: int = Field(description="新记下几家。")


@router.get("/gatherings", response=Listed[GatheringShown], summary="活动列表")
def list_gatherings(request: HttpRequest, filters: Query[GatheringFilter], part: Query[Part]) -> HttpResponse:
    """Gatherings of the official's places and of the city; an enterprise's own invitations."""
    _enter(request)
    rows = gatherings_seen(request.user)
    if filters.state:
        rows = rows.filter(state=filters.state)
    return answer_list(request, rows.order_by("-on", "-pk"), part, _gathering)


@router.post("/gatherings", response={201: GatheringWhole}, summary="登记活动")
def new_gathering(request: HttpRequest, given: NewGathering) -> Status[dict[str, Any]]:
    """Hosted by the person's place."""
    require(request.user, EDIT)
    host = home_place(request.user, EDIT)
    if host is None:
        raise Http404
    row = meeting.plan_gathering(
        request.user, given.kind, given.title, on=given.on, place=given.place, host=host
    )
    return Status(201, _meeting(row))


@router.get("/gatherings/{number}", response=GatheringWhole, summary="一次活动")
def show_gathering(request: HttpRequest, number: int) -> dict[str, Any]:
    """With how many enterprises came and what was handed out, for officials."""
    require(request.user, VIEW)
    return _meeting(find(gatherings_seen(request.user), number))


@router.post("/gatherings/{number}/invite", response=GuestsChanged, summary="邀请企业")
def invite(request: HttpRequest, number: int, given: GuestCodes) -> dict[str, int]:
    """All or none."""
    row = find(gatherings_seen(request.user), number)
    return {"changed": meeting.invite(request.user, row, _guests(request, given.codes))}


@router.post("/gatherings/{number}/sign", response=GuestsChanged, summary="企业签到")
def sign_in(request: HttpRequest, number: int, given: GuestCodes) -> dict[str, int]:
    """All or none."""
    row = find(gatherings_seen(request.user), number)
    return {"changed": meeting.sign_in(request.user, row, _guests(request, given.codes))}


@router.post("/gatherings/{number}/hold", response=GatheringWhole, summary="举办情况")
def hold(request: HttpRequest, number: int, given: GatheringHeld) -> dict[str, Any]:
    """It took place."""
    row = find(gatherings_seen(request.user), number)
    return _meeting(meeting.hold_gathering(request.user, row, given.heads, given.summary))


@router.post("/gatherings/{number}/materials", response=GatheringWhole, summary="发放资料")
def hand_out(request: HttpRequest, number: int, given: HandedOut) -> dict[str, Any]:
    """How many were handed out in all."""
    row = find(gatherings_seen(request.user), number)
    meeting.hand_out(request.user, row, given.kind, given.title, given.count)
    return _meeting(row)


@router.post("/gatherings/{number}/cancel", response=GatheringWhole, summary="取消活动")
def cancel(request: HttpRequest, number: int, given: WhyEnded) -> dict[str, Any]:
    """It does not take place."""
    row = find(gatherings_seen(request.user), number)
    return _meeting(meeting.cancel_gathering(request.user, row, given.reason))


def _guests(request: HttpRequest, codes: list[str]) -> list[Enterprise]:
    require(request.user, EDIT)
    wanted = set(codes)
    inside = official_scope(request.user, EDIT).filter(Enterprise.objects.filter(code__in=wanted))
    found = list(inside)
    unknown = sorted(wanted - {each.code for each in found})
    if unknown:
        told = _("没有找到 %(codes)s，或不在您负责的范围内；没有记下任何一家。")
        raise Refused(told % {"codes": "、".join(unknown[:10])}, status=422, code="invalid", at="codes")
    return found


def _gathering(row: Gathering) -> dict[str, Any]:
    return {
        "number": row.pk,
        "kind": row.kind,
        "title": row.title,
        "on": row.on.isoformat(),
        "place": row.place,
        "host": row.host_id,
        "county": row.county_id,
        "state": row.state,
        "heads": row.heads,
        "summary": row.summary,
    }


def _meeting(row: Gathering) -> dict[str, Any]:
    every = Attendance.objects.filter(gathering=row)
    return _gathering(row) | {
        "invited": every.filter(invited=True).count(),
        "signed": every.exclude(signed_at=None).count(),
        "materials": [
            {"kind": each.kind, "title": each.title, "count": each.count} for each in row.materials.all()
        ],
    }


# -- figures -------------------------------------------------------------------------------------------


class LedgerLine(Schema):
    title: str
    granted: int = Field(description="以分计。")
    lent: int
    repaid: int
    firms: int


class ReachLine(Schema):
    title: str
    gatherings: int
    heads: int
    firms: int
    visits: int
    materials: int


class MatchingFigures(Schema):
    total: LedgerLine
    by_bank: list[LedgerLine]
    by_county: list[LedgerLine]
    by_month: list[LedgerLine]
    reach: ReachLine
    reach_by_county: list[ReachLine]
    reach_by_year: list[ReachLine]


class FigureYear(Schema):
    year: Annotated[int, Field(ge=1900, le=9998)] | None = Field(None, description="年份；不写为全部。")


@router.get("/figures", response=MatchingFigures, summary="授信、放款和活动的统计")
def show_figures(request: HttpRequest, asked: Query[FigureYear]) -> dict[str, Any]:
    """Of what the official looks after; rows add up to the total."""
    require(request.user, VIEW)
    span = Span(asked.year)
    user = request.user
    return {
        "total": _ledger(figures.totals(user, span)),
        "by_bank": [_ledger(row) for row in figures.by_bank(user, span)],
        "by_county": [_ledger(row) for row in figures.by_county(user, span)],
        "by_month": [_ledger(row) for row in figures.by_month(user, span)],
        "reach": vars(figures.reach(user, span)),
        "reach_by_county": [vars(row) for row in figures.reach_by_county(user, span)],
        "reach_by_year": [vars(row) for row in figures.reach_by_year(user)],
    }


@router.get("/figures.xlsx", response={200: None}, openapi_extra=XLSX, summary="统计表（xlsx）")
def download_figures(request: HttpRequest, asked: Query[FigureYear]) -> Any:
    """The same with every credit and its book."""
    require(request.user, VIEW)
    return write_figures(request.user, Span(asked.year))


def _ledger(row: figures.LedgerRow) -> dict[str, Any]:
    return {
        "title": row.title,
        "granted": row.granted,
        "lent": row.lent,
        "repaid": row.repaid,
        "firms": row.firms,
    }


def _enter(request: HttpRequest) -> None:
    """Officials who may see it, and enterprises."""
    if not represents(request.user):
        require(request.user, VIEW)


def _enterprise(request: HttpRequest, code: str) -> Enterprise:
    """One that the person acts for, or looks after."""
    held = own_enterprises(request.user).filter(code=code).first()
    if held is None:
        inside = official_scope(request.user, EDIT).filter(Enterprise.objects.filter(merged_into=None))
        held = inside.filter(code=code).first()
    if held is None:
        raise Http404
    return held


def _place(number: int, at: str) -> Organisation:
    kinds = (Organisation.Kind.COUNTY, Organisation.Kind.PARK, Organisation.Kind.TOWNSHIP)
    row = Organisation.objects.filter(pk=number, kind__in=kinds).first()
    if row is None:
        raise Refused(
            _("没有编号为 %(number)s 的地方。") % {"number": number}, status=422, code="invalid", at=at
        )
    return row


def _day(value: date | None) -> str | None:
    return value.isoformat() if value is not None else None
