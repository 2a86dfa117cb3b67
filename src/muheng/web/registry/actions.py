"""What is done to an enterprise's file. Each deed asks for the right, keeps what was so before, and is recorded.

``actor`` is the person; None is the site itself (loading, accepted batches whose right was asked for before). Days are
``since`` inclusive and ``until`` exclusive. ``reorganisation`` merges and splits; ``loading`` fills a whole city.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from muheng.standards.credit_code import check_credit_code
from muheng.web.audit.actions import record
from muheng.web.people.models import Organisation, User
from muheng.web.people.rights import RIGHTS, require
from muheng.web.reading import language
from muheng.web.refusal import Refused
from muheng.web.registry import geometry as shapes
from muheng.web.registry.models import (
    AttributeRecord,
    Contact,
    Dated,
    Enterprise,
    Holding,
    Lease,
    Meter,
    NameRecord,
    Outlet,
    Parcel,
    ParcelState,
    Permit,
    ProductionLine,
    Representative,
    StatusRecord,
)
from muheng.web.registry.queries import may, official_scope, parcel_scope
from muheng.web.registry.search import refresh

M = TypeVar("M", bound=models.Model)

ATTRIBUTES: dict[str, Any] = {
    "scale": gettext_lazy("规模"),
    "industry": gettext_lazy("行业代码"),
    "industry_group": gettext_lazy("行业组"),
    "township": gettext_lazy("镇街"),
    "parks": gettext_lazy("园区"),
    "state": gettext_lazy("状态"),
    "address": gettext_lazy("地址"),
    "legal_person": gettext_lazy("法定代表人"),
}
"""What of an enterprise changes with a history, and how it reads."""


@transaction.atomic
def register_enterprise(
    actor: User | None,
    code: str,
    name: str,
    *,
    township: Organisation | None = None,
    county: Organisation | None = None,
    parks: Iterable[Organisation] = (),
    since: date | None = None,
    source: str = "",
    **fields: Any,
) -> Enterprise:
    """Open the file of a new enterprise. ``fields``: further columns of :class:`Enterprise`.

    Raises Refused for a code that is not well formed or is taken, and outside of the actor's territory.
    """
    checked = check_credit_code(code)
    if checked.problem is not None:
        raise Refused(checked.problem.render(language()), status=422, code="invalid", at="code")
    name = _text(name, _("企业名称"), "name")
    taken = Enterprise.objects.filter(code=checked.code).first()
    if taken is not None:
        raise Refused(
            _("%(code)s 已经建档：%(name)s。") % {"code": checked.code, "name": taken.name},
            _("请打开已有的档案修改。"),
            at="code",
        )
    if township is not None and county is None:
        county = township.parent if township.kind == Organisation.Kind.TOWNSHIP else township
    _allow_place(actor, "registry.edit", county, township)
    made = Enterprise.objects.create(code=checked.code, name=name, township=township, county=county, **fields)
    made.parks.set(parks)
    NameRecord.objects.create(enterprise=made, name=name, since=since or made.registered_on, source=source)
    refresh(made)
    record(actor, "registry.register", made, code=made.code, name=name, source=source)
    return made


@transaction.atomic
def rename(
    actor: User | None, enterprise: Enterprise, name: str, since: date, source: str = ""
) -> Enterprise:
    """A new name from a day on; the name before becomes history, and is still found."""
    held = _hold(actor, "registry.edit", enterprise)
    name = _text(name, _("企业名称"), "name")
    if name == held.name:
        raise Refused(_("现在就叫“%(name)s”，没有变化。") % {"name": name}, code="unchanged", at="name")
    rows = NameRecord.objects.filter(enterprise=held)
    _turn(rows, NameRecord(enterprise=held, name=held.name), since)
    NameRecord.objects.create(enterprise=held, name=name, since=since, source=source)
    before, held.name = held.name, name
    held.save(update_fields=("name", "changed_at"))
    refresh(held)
    record(actor, "registry.rename", held, before=before, after=name, since=since, source=source)
    return held


@transaction.atomic
def change_attribute(
    actor: User | None,
    enterprise: Enterprise,
    attribute: str,
    value: str | Organisation | Sequence[Organisation] | None,
    since: date,
    source: str = "",
) -> Enterprise:
    """An attribute (see ``ATTRIBUTES``) is otherwise from a day on.

    The value is text; for ``township`` an organisation, for ``parks`` a list of them.
    """
    if attribute not in ATTRIBUTES:
        raise Refused(
            _("没有“%(name)s”这一项。") % {"name": attribute}, status=422, code="invalid", at="attribute"
        )
    held = _hold(actor, "registry.edit", enterprise)
    before = describe_attribute(held, attribute)
    if attribute == "township":
        assert value is None or isinstance(value, Organisation)
        if value is not None and value.kind != Organisation.Kind.TOWNSHIP:
            raise Refused(_("“%(name)s”不是镇街。") % {"name": value}, status=422, code="invalid", at="value")
        # Who moves an enterprise must look after where it goes as well.
        _allow_place(actor, "registry.edit", value.parent if value else None, value)
        held.township = value
        held.county = value.parent if value is not None else held.county
    elif attribute == "parks":
        assert isinstance(value, Sequence)
        assert not isinstance(value, str)
        held.parks.set(value)
    else:
        assert isinstance(value, str)
        limit = Enterprise._meta.get_field(attribute).max_length  # type: ignore[union-attr]
        if limit is not None and len(value.strip()) > limit:
            raise Refused(
                _("太长：最多 %(limit)s 个字。") % {"limit": limit}, status=422, code="invalid", at="value"
            )
        setattr(held, attribute, value.strip())
    after = describe_attribute(held, attribute)
    if after == before:
        raise Refused(
            _("%(attribute)s现在就是“%(value)s”，没有变化。")
            % {"attribute": ATTRIBUTES[attribute], "value": after or _("空")},
            code="unchanged",
            at="value",
        )
    rows = AttributeRecord.objects.filter(enterprise=held, attribute=attribute)
    _turn(rows, AttributeRecord(enterprise=held, attribute=attribute, value=before), since)
    AttributeRecord.objects.create(
        enterprise=held, attribute=attribute, value=after, since=since, source=source
    )
    held.save()
    record(
        actor,
        "registry.change",
        held,
        attribute=attribute,
        before=before,
        after=after,
        since=since,
        source=source,
    )
    return held


@transaction.atomic
def move(
    actor: User | None,
    enterprise: Enterprise,
    township: Organisation,
    parks: Iterable[Organisation],
    since: date,
    source: str = "",
) -> Enterprise:
    """To another township, into or out of parks; what of the two is the same stays untouched."""
    asked = list(parks)
    before = set(enterprise.parks.values_list("pk", flat=True))
    if township.pk == enterprise.township_id and before == {park.pk for park in asked}:
        raise Refused(_("镇街和园区都没有变化。"), code="unchanged")
    if before != {park.pk for park in asked}:
        enterprise = change_attribute(actor, enterprise, "parks", asked, since, source)
    if township.pk != enterprise.township_id:
        enterprise = change_attribute(actor, enterprise, "township", township, since, source)
    return enterprise


def describe_attribute(enterprise: Enterprise, attribute: str) -> str:
    """An attribute's value as its history keeps it."""
    if attribute == "township":
        return enterprise.township.name if enterprise.township is not None else ""
    if attribute == "parks":
        return "、".join(enterprise.parks.order_by("order", "pk").values_list("name", flat=True))
    return str(getattr(enterprise, attribute))


@transaction.atomic
def grant_status(
    actor: User | None,
    enterprise: Enterprise,
    status: str,
    since: date,
    *,
    level: str = "",
    until: date | None = None,
    source: str = "",
    issuer: str = "",
) -> StatusRecord:
    """A status is granted (高新技术企业, 专精特新 …); one of the same name that still holds ends on that day."""
    held = _hold(actor, "registry.edit", enterprise)
    status = _text(status, _("称号"), "status")
    _order(since, until)
    _not_ahead(since)
    running = StatusRecord.objects.filter(enterprise=held, status=status).exclude(until__lte=since)
    for row in running:
        if row.since is not None and row.since >= since:
            raise Refused(
                _("“%(status)s”在 %(day)s 已有一条记录，新的不能早于它。")
                % {"status": status, "day": row.since.isoformat()},
                at="since",
            )
        StatusRecord.objects.filter(pk=row.pk).update(until=since)
    made = StatusRecord.objects.create(
        enterprise=held, status=status, level=level, since=since, until=until, source=source, issuer=issuer
    )
    record(actor, "registry.grant_status", held, status=status, level=level, since=since, source=source)
    return made


@transaction.atomic
def end_status(actor: User | None, status: StatusRecord, until: date, source: str = "") -> StatusRecord:
    """A status holds no more from a day on."""
    held = _hold(actor, "registry.edit", status.enterprise)
    _order(status.since, until)
    if status.until is not None and status.until <= until:
        raise Refused(
            _("“%(status)s”已于 %(day)s 到期。") % {"status": status.status, "day": status.until.isoformat()}
        )
    status.until = until
    if source:
        status.source = f"{status.source}；{source}"[:200] if status.source else source
    status.save(update_fields=("until", "source"))
    record(actor, "registry.end_status", held, status=status.status, until=until, source=source)
    return status


@transaction.atomic
def add_parcel(
    actor: User | None,
    number: str,
    area: Decimal,
    *,
    part: int = 1,
    township: Organisation | None = None,
    geometry: Mapping[str, Any] | None = None,
    use: str = "",
    place: str = "",
    state: str = Parcel.State.IN_USE,
    since: date | None = None,
    source: str = "",
) -> Parcel:
    """A piece of land with its first state. ``geometry`` is GeoJSON in CGCS2000 degrees; ``area`` in m²."""
    _allow_place(actor, "registry.edit", township.parent if township else None, township)
    if area <= 0:
        raise Refused(_("宗地面积应大于零。"), status=422, code="invalid", at="area")
    number = _text(number, _("宗地号"), "number")
    if Parcel.objects.filter(number=number, part=part).exists():
        raise Refused(_("宗地 %(number)s 已经登记。") % {"number": number}, at="number")
    box = shapes.check_shape(geometry) if geometry is not None else (None, None, None, None)
    west, south, east, north = box
    made = Parcel.objects.create(
        number=number,
        part=part,
        area=area,
        township=township,
        geometry=geometry,
        west=west,
        south=south,
        east=east,
        north=north,
        use=use,
        place=place,
        state=state,
    )
    ParcelState.objects.create(parcel=made, state=state, since=since, source=source)
    record(actor, "registry.add_parcel", made, number=number, area=area, state=state)
    return made


@transaction.atomic
def set_parcel_state(actor: User | None, parcel: Parcel, state: str, since: date, source: str = "") -> Parcel:
    """A parcel is in another state from a day on."""
    if state not in Parcel.State.values:
        raise Refused(
            _("没有“%(state)s”这种状态。") % {"state": state}, status=422, code="invalid", at="state"
        )
    if actor is not None:
        require(actor, "registry.edit")
        seen = Parcel.objects.filter(parcel_scope(official_scope(actor, "registry.edit")), pk=parcel.pk)
        if not seen.exists():
            raise _not_yours("registry.edit")
    held = Parcel.objects.select_for_update().get(pk=parcel.pk)
    if held.state == state:
        raise Refused(
            _("这宗地现在就是“%(state)s”，没有变化。") % {"state": held.get_state_display()}, code="unchanged"
        )
    rows = ParcelState.objects.filter(parcel=held)
    _turn(rows, ParcelState(parcel=held, state=held.state), since)
    ParcelState.objects.create(parcel=held, state=state, since=since, source=source)
    before, held.state = held.state, state
    held.save(update_fields=("state",))
    record(actor, "registry.set_parcel_state", held, before=before, after=state, since=since, source=source)
    return held


@transaction.atomic
def add_holding(
    actor: User | None,
    enterprise: Enterprise,
    parcel: Parcel,
    area: Decimal,
    *,
    certificate: str = "",
    since: date | None = None,
    until: date | None = None,
    source: str = "",
) -> Holding:
    """An enterprise holds a part (m²) of a parcel. Parts held at one time may not be more than the parcel."""
    held = _hold(actor, "registry.edit", enterprise)
    _order(since, until)
    Parcel.objects.select_for_update().get(pk=parcel.pk)
    others = Holding.objects.filter(parcel=parcel)
    if since is not None:
        others = others.exclude(until__lte=since)
    if until is not None:
        others = others.exclude(since__gte=until)
    taken = sum((row.area for row in others), Decimal(0))
    if area <= 0 or taken + area > parcel.area:
        raise Refused(
            _("宗地 %(number)s 共 %(area)s m²，已登记 %(taken)s m²，余下的不够 %(asked)s m²。")
            % {"number": parcel.number, "area": parcel.area, "taken": taken, "asked": area},
            _("请核对面积，或先结束原来的登记。"),
            status=422,
            code="invalid",
            at="area",
        )
    return _add(
        actor,
        Holding(
            enterprise=held,
            parcel=parcel,
            area=area,
            certificate=certificate,
            since=since,
            until=until,
            source=source,
        ),
        held,
    )


@transaction.atomic
def add_lease(
    actor: User | None,
    area: Decimal,
    *,
    lessor: Enterprise | None = None,
    lessor_name: str = "",
    tenant: Enterprise | None = None,
    tenant_name: str = "",
    parcel: Parcel | None = None,
    since: date | None = None,
    until: date | None = None,
    source: str = "",
) -> Lease:
    """A contract for land (亩). At least one side is an enterprise of the city; the actor looks after one of them."""
    _order(since, until)
    sides = [side for side in (lessor, tenant) if side is not None]
    if not sides or (lessor is not None and tenant is not None and lessor.pk == tenant.pk):
        raise Refused(_("租约要有出租方和承租方，且不能是同一家。"), status=422, code="invalid", at="tenant")
    if area <= 0:
        raise Refused(_("租赁面积应大于零。"), status=422, code="invalid", at="area")
    if actor is not None:
        require(actor, "registry.edit")
        if not any(may(actor, "registry.edit", side) for side in sides):
            raise _not_yours("registry.edit")
    row = Lease(
        lessor=lessor,
        lessor_name=lessor.name if lessor else _text(lessor_name, _("出租方"), "lessor_name"),
        tenant=tenant,
        tenant_name=tenant.name if tenant else _text(tenant_name, _("承租方"), "tenant_name"),
        parcel=parcel,
        area=area,
        since=since,
        until=until,
        source=source,
    )
    return _add(actor, row, sides[0])


@transaction.atomic
def add_line(actor: User | None, enterprise: Enterprise, name: str, **fields: Any) -> ProductionLine:
    """A production line: ``number, product, capacity, unit, state, since, until, source``."""
    held = _hold(actor, "registry.edit", enterprise)
    return _add(actor, ProductionLine(enterprise=held, name=_text(name, _("名称"), "name"), **fields), held)


@transaction.atomic
def add_outlet(actor: User | None, enterprise: Enterprise, code: str, kind: str, **fields: Any) -> Outlet:
    """A point of discharge: ``name, line, limits, height, longitude, latitude`` (see :class:`Outlet`)."""
    held = _hold(actor, "registry.edit", enterprise)
    if Outlet.objects.filter(enterprise=held, code=code).exists():
        raise Refused(_("排放口 %(code)s 已经登记。") % {"code": code}, at="code")
    return _add(
        actor, Outlet(enterprise=held, code=_text(code, _("编号"), "code"), kind=kind, **fields), held
    )


@transaction.atomic
def add_meter(
    actor: User | None,
    enterprise: Enterprise,
    kind: str,
    number: str,
    *,
    shared: bool = False,
    share: Decimal | None = None,
) -> Meter:
    """A meter by its customer number; the parts of a shared one may not pass 100 %."""
    held = _hold(actor, "registry.edit", enterprise)
    number = _text(number, _("户号"), "number")
    if Meter.objects.filter(enterprise=held, kind=kind, number=number).exists():
        raise Refused(_("户号 %(number)s 已经登记。") % {"number": number}, at="number")
    if share is not None:
        others = Meter.objects.filter(kind=kind, number=number).values_list("share", flat=True)
        taken = sum((each for each in others if each is not None), Decimal(0))
        if share <= 0 or taken + share > 100:
            raise Refused(
                _("户号 %(number)s 已分摊 %(taken)s%%，再加 %(asked)s%% 超过 100%%。")
                % {"number": number, "taken": taken, "asked": share},
                status=422,
                code="invalid",
                at="share",
            )
    row = Meter(enterprise=held, kind=kind, number=number, shared=shared or share is not None, share=share)
    return _add(actor, row, held)


@transaction.atomic
def add_contact(
    actor: User | None,
    enterprise: Enterprise,
    name: str,
    *,
    post: str = "",
    phone: str = "",
    mobile: str = "",
    main: bool = False,
) -> Contact:
    """Whom to call; a new main contact takes the place of the one before."""
    held = _hold(actor, "registry.edit", enterprise)
    if main:
        Contact.objects.filter(enterprise=held, main=True).update(main=False)
    row = Contact(
        enterprise=held, name=_text(name, _("姓名"), "name"), post=post, phone=phone, mobile=mobile, main=main
    )
    return _add(actor, row, held)


@transaction.atomic
def add_permit(
    actor: User | None,
    enterprise: Enterprise,
    kind: str,
    number: str,
    *,
    limits: Mapping[str, Mapping[str, str]] | None = None,
    management: str = "",
    since: date | None = None,
    until: date | None = None,
    source: str = "",
) -> Permit:
    """A permit and the yearly amounts that it allows (see :class:`Permit`)."""
    held = _hold(actor, "registry.edit", enterprise)
    _order(since, until)
    row = Permit(
        enterprise=held,
        kind=kind,
        number=_text(number, _("编号"), "number"),
        limits=dict(limits or {}),
        management=management,
        since=since,
        until=until,
        source=source,
    )
    return _add(actor, row, held)


@transaction.atomic
def end_row(actor: User | None, row: Dated, until: date) -> Dated:
    """A holding, lease, line or permit is over from a day on."""
    enterprise = _enterprise_of(row)
    held = _hold(actor, "registry.edit", enterprise)
    _order(row.since, until)
    row.until = until
    row.save(update_fields=("until",))
    record(actor, f"registry.end_{row._meta.model_name}", held, row=row.pk, until=until)
    return row


@transaction.atomic
def remove_row(actor: User | None, row: Contact | Meter | Outlet) -> None:
    """Take out what was entered wrongly and has no history of its own; the book keeps what it said."""
    held = _hold(actor, "registry.edit", row.enterprise)
    said = {
        field.name: str(getattr(row, field.name))
        for field in row._meta.concrete_fields
        if field.name not in ("id", "enterprise")
    }
    name = row._meta.model_name
    try:
        with transaction.atomic():
            row.delete()
    except models.ProtectedError as error:
        raise Refused(
            _("这一条在别处用着，不能删去。"), _("例如排放口正在自动监控。"), code="in_use"
        ) from error
    record(actor, f"registry.remove_{name}", held, **said)


@transaction.atomic
def represent(actor: User | None, person: User, enterprise: Enterprise) -> Representative:
    """An account may act for an enterprise."""
    held = _hold(actor, "registry.edit", enterprise)
    row, made = Representative.objects.get_or_create(user=person, enterprise=held)
    if not made and row.until is not None:
        Representative.objects.filter(pk=row.pk).update(until=None)
        row.until, made = None, True
    if made:
        record(actor, "registry.represent", held, person=person.username)
    return row


@transaction.atomic
def end_represent(actor: User | None, row: Representative) -> None:
    """An account acts for an enterprise no more, from today."""
    held = _hold(actor, "registry.edit", row.enterprise)
    if row.until is not None:
        raise Refused(_("这个账号已不再代表企业。"), code="unchanged")
    row.until = timezone.localdate()
    row.save(update_fields=("until",))
    record(actor, "registry.end_represent", held, person=row.user.username)


def allow(actor: User | None, right: str, enterprise: Enterprise) -> None:
    """Raises Refused (403) where the actor has not this right for this enterprise."""
    if actor is None:
        return
    require(actor, right)
    if not may(actor, right, enterprise):
        raise _not_yours(right)


def _hold(actor: User | None, right: str, enterprise: Enterprise) -> Enterprise:
    """The enterprise as it is now, kept from others until the deed is done; one that was merged is closed."""
    allow(actor, right, enterprise)
    held = Enterprise.objects.select_for_update().get(pk=enterprise.pk)
    if held.merged_into_id is not None:
        raise Refused(
            _("“%(name)s”已并入其他企业，档案只供查阅。") % {"name": held.name},
            _("请到并入后的企业档案里修改。"),
        )
    return held


def _allow_place(
    actor: User | None, right: str, county: Organisation | None, township: Organisation | None
) -> None:
    if actor is None:
        return
    require(actor, right)
    scope = official_scope(actor, right)
    inside = (
        scope.everything
        or (county is not None and county.pk in scope.counties)
        or (township is not None and township.pk in scope.townships)
    )
    if not inside:
        raise _not_yours(right)


def _not_yours(right: str) -> Refused:
    return Refused(
        _("这家企业或地块不在您“%(right)s”的范围内。") % {"right": RIGHTS[right]},
        _("需要时请联系上一级部门。"),
        status=403,
        code="forbidden",
    )


def _turn(rows: models.QuerySet[Any], first: Dated, since: date) -> None:
    """End the row that holds on the day that something changes; ``first`` is what was so when no row says it."""
    _not_ahead(since)
    running = rows.filter(until=None).order_by("-since", "-pk").first()
    if running is None:
        ended = rows.order_by("-until").values_list("until", flat=True).first()
        first.since, first.until = ended, since
        first.save(force_insert=True)
        return
    if running.since is not None and running.since >= since:
        raise Refused(
            _("现在的记录从 %(day)s 起，新的生效日期要晚于它。") % {"day": running.since.isoformat()},
            _("请核对日期。"),
            status=422,
            code="invalid",
            at="since",
        )
    rows.filter(pk=running.pk).update(until=since)


def _add(actor: User | None, row: M, enterprise: Enterprise) -> M:
    row.save(force_insert=True)
    record(actor, f"registry.add_{row._meta.model_name}", enterprise, row=row.pk, what=str(_label(row)))
    return row


def _label(row: models.Model) -> object:
    for name in ("number", "code", "name", "tenant_name"):
        if getattr(row, name, ""):
            return getattr(row, name)
    return row.pk


def _enterprise_of(row: Dated) -> Enterprise:
    if isinstance(row, Lease):
        side = row.lessor or row.tenant
        assert side is not None
        return side
    found: Enterprise = row.enterprise  # type: ignore[attr-defined]
    return found


def _text(value: str, title: str, at: str) -> str:
    value = " ".join(value.split())
    if not value:
        raise Refused(_("没有填%(title)s。") % {"title": title}, status=422, code="invalid", at=at)
    if len(value) > 200:
        raise Refused(_("太长：最多 %(limit)s 个字。") % {"limit": 200}, status=422, code="invalid", at=at)
    return value


def _order(since: date | None, until: date | None) -> None:
    if since is not None and until is not None and until <= since:
        raise Refused(_("结束日期要晚于开始日期。"), status=422, code="invalid", at="until")


def _not_ahead(since: date) -> None:
    if since > timezone.localdate():
        raise Refused(
            _("生效日期 %(day)s 还没有到。") % {"day": since.isoformat()},
            _("请在生效当天或之后登记。"),
            status=422,
            code="invalid",
            at="since",
        )
