"""Outlets are watched, their limits change, watching ends. What held before stays, with its days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from muheng.monitoring.hj212.tables import find_factor
from muheng.web.audit.actions import record
from muheng.web.casework.writing import deed
from muheng.web.entrance import clean_text
from muheng.web.monitoring.actions.devices import EDIT, check_reach, hold_point
from muheng.web.monitoring.city_rules import city_rules
from muheng.web.monitoring.limit_changes import WHOLE_POINT, figures_of, tell_changed
from muheng.web.monitoring.models import Device, LimitChange, Point
from muheng.web.monitoring.moments import to_local
from muheng.web.monitoring.pollutants import find_code
from muheng.web.monitoring.store import rewrite_when_kept, write_allow_list, write_points
from muheng.web.monitoring.window import DAYS
from muheng.web.people.models import User
from muheng.web.refusal import Refused, invalid
from muheng.web.registry.models import Outlet
from muheng.web.registry.queries import is_own
from muheng.web.templatetags.words import plain

Row = Mapping[str, Any]


def propose_limits(outlet: Outlet) -> tuple[list[dict[str, Any]], list[str]]:
    """Limits by what the permit says of an outlet, and the names of pollutants that no factor is known for."""
    rows, unknown = [], []
    for each in outlet.limits:
        if not each.get("limit"):
            continue
        code = find_code(each["pollutant"])
        if code is None:
            unknown.append(each["pollutant"])
        else:
            rows.append({"factor": code, "most": str(each["limit"])})
    return rows, unknown


@transaction.atomic
def watch_outlet(
    actor: User | None,
    outlet: Outlet,
    kind: str,
    since: date,
    *,
    name: str = "",
    limits: Sequence[Row] | None = None,
    reference_oxygen: Decimal | None = None,
    trade: str = "",
    key: bool = False,
) -> Point:
    """Begin to watch an outlet; ``limits``: by the permit where none are given. Raises Refused."""
    known = Point.objects.filter(outlet=outlet).first()
    if known is not None:
        raise Refused(_("“%(point)s”已经是监测点位。") % {"point": known.name}, at="outlet")
    point = Point(
        enterprise=outlet.enterprise,
        outlet=outlet,
        name=" ".join(name.split())[:160] or outlet.name or outlet.code,
        kind=kind,
        reference_oxygen=reference_oxygen,
        trade=trade.strip(),
        key=key,
        watched_from=since,
    )
    check_reach(actor, point, EDIT)
    kinds = {each.id for each in city_rules().limits.kind}
    if kind not in kinds:
        raise Refused(_("没有这类排口。"), status=422, code="invalid", at="kind")
    _check_oxygen(reference_oxygen)
    point.limits = [_read_limit(row) for row in (propose_limits(outlet)[0] if limits is None else limits)]
    point.save()
    record(actor, "monitoring.watch", point, kind=kind, limits=point.limits, since=since.isoformat())
    return point


@deed
def change_limits(
    actor: User | None,
    point: Point,
    rows: Sequence[Row],
    since: date,
    *,
    reason: str = "",
    at: datetime | None = None,
) -> Point:
    """What the factors of ``rows`` may be from a day on; ``most`` and ``least`` both empty: no limit any more.

    Factors that are not named keep theirs. From a day that has passed only with a reason: its hours are judged again.
    The enterprise and whoever looks after it are told. Raises Refused.
    """
    held = hold_point(actor, point)
    _refuse_own(actor, held)
    now, said = at or timezone.now(), clean_text(reason)[:200]
    back = since < to_local(now).date()
    kept: list[dict[str, Any]] = list(held.limits)
    changes = []
    for row in map(_read_limit, rows):
        own = [each for each in kept if each["factor"] == row["factor"]]
        before = [each for each in own if (each.get("until") or "9999") > since.isoformat()]
        after = row if row.get("most") or row.get("least") else None
        if _is_same(before, after, since):
            continue
        kept = [_ended(each, since) if each["factor"] == row["factor"] else each for each in kept]
        # What would have begun only after the day never did.
        kept = [each for each in kept if not each.get("until") or each["until"] > (each.get("from") or "")]
        if after is not None:
            kept.append({**after, "from": since.isoformat()})
        changes.append(
            LimitChange(
                point=held,
                factor=row["factor"],
                since=since,
                before=before,
                after=after,
                back=back,
                reason=said,
                by=actor,
                at=now,
            )
        )
    if not changes:
        raise invalid(_("限值没有变：从这一天起本来就是这样。"), "most")
    if back and not said:
        raise invalid(
            _("从过去的一天起改限值要写明理由。"),
            "reason",
            _("这一天以来的小时会重新判定，企业和负责的人都会收到通知。"),
        )
    held.limits, held.stale = kept, True
    held.save(update_fields=("limits", "stale"))
    for each in changes:
        each.save()
    record(
        actor, "monitoring.change_limits", held, limits=kept, since=since.isoformat(), back=back, reason=said
    )
    tell_changed(changes, now)
    rewrite_when_kept(write_points)
    return held


def _is_same(before: Sequence[Row], after: Row | None, since: date) -> bool:
    """Whether what held from the day on, for good, is what is asked for."""
    if after is None:
        return not before
    if len(before) != 1 or before[0].get("until") or (before[0].get("from") or "") > since.isoformat():
        return False
    return figures_of(before[0]) == figures_of(after)


@deed
def change_point(
    actor: User | None,
    point: Point,
    *,
    name: str,
    reference_oxygen: Decimal | None,
    trade: str,
    key: bool,
    reason: str = "",
    at: datetime | None = None,
) -> Point:
    """What is judged by the reference oxygen and the trade is judged again, and so a change of these needs a reason where
    hours have been judged, and is told. Raises Refused."""
    held = hold_point(actor, point)
    _check_oxygen(reference_oxygen)
    now, said = at or timezone.now(), clean_text(reason)[:200]
    before = _terms_of(held)
    held.name = " ".join(name.split())[:160] or held.name
    held.reference_oxygen, held.trade, held.key, held.stale = reference_oxygen, trade.strip(), key, True
    after = _terms_of(held)
    judged = held.judged_until is not None and before != after
    if judged:
        _refuse_own(actor, held)
        if not said:
            raise invalid(
                _("改基准氧含量、行业要写明理由。"),
                "reason",
                _("最近 %(count)s 天的小时会重新判定，企业和负责的人都会收到通知。") % {"count": DAYS},
            )
    held.save()
    record(actor, "monitoring.change_point", held, name=held.name, key=key, reason=said, **after)
    if judged:
        change = LimitChange.objects.create(
            point=held,
            factor=WHOLE_POINT,
            since=to_local(now).date() - timedelta(days=DAYS - 1),
            before=[before],
            after=after,
            back=True,
            reason=said,
            by=actor,
            at=now,
        )
        tell_changed([change], now)
    rewrite_when_kept(write_points)
    return held


def _terms_of(point: Point) -> dict[str, str]:
    """What all factors of a point are judged by, as it is written down."""
    return {"reference_oxygen": plain(point.reference_oxygen), "trade": point.trade}


def _refuse_own(actor: User | None, point: Point) -> None:
    """Nobody says by which limits his own enterprise is judged."""
    if actor is not None and is_own(actor, point.enterprise):
        raise Refused(_("这是您自己代表的企业，限值由别人来改。"), status=403, code="forbidden")


@transaction.atomic
def stop_watching(actor: User | None, point: Point, until: date) -> Point:
    """``until``: the first day on which it is not watched. Its devices may send no more. Raises Refused."""
    held = hold_point(actor, point)
    if held.watched_until is not None:
        raise Refused(_("“%(point)s”已停止监控。") % {"point": held.name})
    if until < held.watched_from:
        raise Refused(
            _("停止的日期早于开始监控的 %(day)s。") % {"day": held.watched_from},
            status=422,
            code="invalid",
            at="until",
        )
    held.watched_until = until
    held.save(update_fields=("watched_until",))
    Device.objects.filter(point=held).update(allowed=False)
    record(actor, "monitoring.stop_watching", held, until=until.isoformat())
    rewrite_when_kept(write_allow_list)
    return held


def _check_oxygen(found: Decimal | None) -> None:
    if found is not None and not (found.is_finite() and 0 < found < 21):
        raise Refused(
            _("基准氧含量 %(found)s%% 不在 0 到 21 之间。") % {"found": found},
            _("不折算的留空。"),
            status=422,
            code="invalid",
            at="reference_oxygen",
        )


def _ended(row: dict[str, Any], since: date) -> dict[str, Any]:
    day = since.isoformat()
    return row if (row.get("until") or "9999") <= day else {**row, "until": day}


def _read_limit(row: Row) -> dict[str, Any]:
    """A row as the point keeps it: what is not given is left out."""
    factor = str(row.get("factor") or "").strip()
    if find_factor(factor) is None:
        raise Refused(
            _("没有编码为“%(factor)s”的因子。") % {"factor": factor},
            _("按 HJ 212 的因子编码填写，例如 a21002（氮氧化物）。"),
            status=422,
            code="invalid",
            at="factor",
        )
    found: dict[str, Any] = {"factor": factor}
    numbers: dict[str, Decimal] = {}
    for side in ("most", "least"):
        text = str(row.get(side) or "").strip()
        if not text:
            continue
        try:
            number = Decimal(text)
        except InvalidOperation:
            number = Decimal("NaN")
        if (
            not number.is_finite()
            or number < 0
            or (side == "most" and number == 0)
            # Written out in full, a number of such a size has millions of digits.
            or abs(number.adjusted()) > 9
        ):
            raise Refused(
                _("限值“%(text)s”不是大于零的数。") % {"text": text[:40]}, status=422, code="invalid", at=side
            )
        numbers[side], found[side] = number, format(number, "f")
    if len(numbers) == 2 and numbers["least"] >= numbers["most"]:
        raise Refused(_("下限应小于上限。"), status=422, code="invalid", at="least")
    basis = row.get("basis")
    if basis not in (None, "", "hour", "day"):
        raise Refused(_("没有这样的选择。"), status=422, code="invalid", at="basis")
    if basis:
        found["basis"] = basis
    if row.get("converted") is False:
        found["converted"] = False
    return found
