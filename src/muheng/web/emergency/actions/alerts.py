"""Forecasts are entered; alerts are proposed, issued by somebody else, raised, lowered, extended and lifted.

What departs from the rules is refused once, in words, and done only by who says so: the step remembers it. It is not
allowed to start a response for the sake of a year's target; only the forecast, or a call from above, is a reason.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from muheng.documents.message import Refusal
from muheng.emergency.alert_rules import AlertRules
from muheng.emergency.alerts import Judgement, Override
from muheng.emergency.forecast import Series
from muheng.web.audit.actions import record
from muheng.web.emergency.forecasts import (
    city_alert_rules,
    judge_forecast,
    keep_judgement,
    keep_series,
    read_series,
    rules_on,
)
from muheng.web.emergency.models import Alert, AlertStep, Forecast, Level
from muheng.web.emergency.queries.alerts import (
    EDIT,
    ISSUE,
    VIEW,
    adopted_plan,
    live_alert,
    representatives_of,
)
from muheng.web.emergency.sayings import join_lines, say_cause, say_later, say_level
from muheng.web.entrance import clean_text
from muheng.web.jobs.actions import enqueue
from muheng.web.notices.actions import tell, tell_channel
from muheng.web.people.models import Organisation, Role, User
from muheng.web.people.rights import require
from muheng.web.reading import language
from muheng.web.refusal import Refused, invalid, refused_by
from muheng.web.templatetags.words import moment

ROOM = "emergency"
LONGEST = timedelta(days=60)
AHEAD = timedelta(days=15)
CUTS = Alert.Cause.PM25
"""The cause whose alerts start the reduction list (环大气〔2024〕6号)."""
_RANK = {level: rank for rank, level in enumerate(Level.values)}


# -- forecasts -----------------------------------------------------------------------------------------


@transaction.atomic
def enter_forecast(
    actor: User,
    place: Organisation,
    series: Series,
    *,
    source: str,
    rules: str = "",
    cause: str = "",
    cause_reason: str = "",
    issued_at: datetime | None = None,
    note: str = "",
    at: datetime | None = None,
) -> Forecast:
    """Keep a forecast with what the rules make of it. ``cause``: a person's finding, with its reason. Raises Refused."""
    require(actor, EDIT, at=place)
    now = at or timezone.now()
    issued = issued_at or now
    if issued > now + timedelta(minutes=5):
        raise invalid(_("预报的发布时间在将来。"), "issued_at")
    judged = _judge(series, find_rules(rules, now), now, live_alert(place), cause, cause_reason)
    forecast = Forecast.objects.create(
        organisation=place,
        issued_at=issued,
        source=_line(source) or _("会商预报"),
        series=keep_series(series),
        judgement=keep_judgement(judged)
        | ({"override": cause, "override_reason": clean_text(cause_reason)} if cause else {}),
        note=clean_text(note)[:500],
        entered_by=actor,
        entered_at=now,
    )
    record(
        actor,
        "emergency.enter_forecast",
        forecast,
        source=forecast.source,
        level=judged.level or "",
        action=judged.action,
    )
    return forecast


def find_rules(rules: str, now: datetime) -> AlertRules:
    """The rules by their id, or those to take on that day. Raises Refused."""
    known = rules_on(timezone.localdate(now))
    if not rules and known:
        return next(iter(known.values()))
    if rules not in known:
        raise invalid(
            _("没有“%(rules)s”这一套预警规则，或者它不在施行期内。") % {"rules": rules[:40]}, "rules"
        )
    return known[rules]


def judge_again(forecast: Forecast, alert: Alert | None, now: datetime) -> Judgement:
    """What a kept forecast asks for now, with the alert in force and the finding of its cause."""
    held = forecast.judgement
    rules = city_alert_rules().get(held.get("rules", "")) or find_rules("", now)
    return _judge(
        read_series(forecast), rules, now, alert, held.get("override", ""), held.get("override_reason", "")
    )


def _judge(
    series: Series, rules: AlertRules, now: datetime, alert: Alert | None, cause: str, reason: str
) -> Judgement:
    override = None
    if cause:
        if cause not in Alert.Cause.values:
            raise invalid(_("没有这种成因。"), "cause")
        override = Override(cause, reason)  # type: ignore[arg-type]
    try:
        return judge_forecast(series, rules, now, alert, override)
    except Refusal as refusal:
        raise refused_by(refusal, language()) from refusal


# -- an alert begins -------------------------------------------------------------------------------------


@transaction.atomic
def propose_alert(
    actor: User,
    place: Organisation,
    *,
    level: str,
    starts_at: datetime,
    ends_at: datetime,
    reason: str,
    forecast: Forecast | None = None,
    cause: str = CUTS,
    rules: str = "",
    despite: bool = False,
    at: datetime | None = None,
) -> Alert:
    """Propose an alert. ``despite``: it is meant, though the forecast does not call for it. Raises Refused."""
    require(actor, EDIT, at=place)
    now = at or timezone.now()
    _check_level(level)
    if cause not in Alert.Cause.values:
        raise invalid(_("没有这种成因。"), "cause")
    _check_span(starts_at, ends_at, now)
    said = _reason(reason)
    # Two who propose at once: the second sees the first's.
    Organisation.objects.select_for_update().get(pk=place.pk)
    held = live_alert(place)
    if held is not None:
        raise Refused(
            _("已有一次预警：%(title)s（%(state)s）。")
            % {"title": held.title, "state": held.get_state_display()},
            _("请在它上面升级、降级或延长；不启动的先写明不启动。"),
        )
    if forecast is not None and forecast.organisation_id != place.pk:
        raise invalid(_("这份预报是另一个地方的。"), "forecast")
    chosen = find_rules(rules or (forecast.judgement.get("rules", "") if forecast else ""), now)
    departure = _depart_at_start(forecast, level, cause, now)
    _refuse_departure(departure, despite)
    alert = Alert.objects.create(
        organisation=place,
        title=f"{place.name}重污染天气{_CHINESE[level]}预警（{timezone.localtime(starts_at):%Y年%-m月%-d日}起）",
        level=level,
        cause=cause,
        rules=chosen.id,
        forecast=forecast,
        starts_at=starts_at,
        ends_at=ends_at,
        reason=said,
        proposed_by=actor,
        proposed_at=now,
    )
    _step(alert, AlertStep.Kind.PROPOSED, actor, starts_at, now, reason=said, departs=bool(departure))
    record(actor, "emergency.propose", alert, level=level, cause=cause, departs=departure)
    subject = say_later(
        gettext_lazy("请审定：%(level)s预警，%(start)s起"), level=say_level(level), start=_when(starts_at)
    )
    _tell_officials(alert, (ISSUE,), subject, said, actor, now)
    return alert


_CHINESE: dict[str, str] = {"yellow": "黄色", "orange": "橙色", "red": "红色"}


def _depart_at_start(forecast: Forecast | None, level: str, cause: str, now: datetime) -> str:
    """How a proposal differs from what its forecast calls for; empty where it does not."""
    if forecast is None:
        return _("没有所依据的预报。")
    judged = judge_again(forecast, None, now)
    if cause == CUTS:
        if judged.level is None:
            return _("预报没有达到启动减排的条件。")
        if judged.level != level:
            return _("预报达到的是%(judged)s预警，不是%(level)s。") % {
                "judged": say_level(judged.level),
                "level": say_level(level),
            }
        return ""
    if judged.cuts:
        return _("预报是细颗粒物污染，应启动减排清单。")
    return "" if judged.episode is not None else _("预报没有达到预警条件。")


@transaction.atomic
def issue_alert(
    actor: User,
    alert: Alert,
    *,
    number: str,
    note: str = "",
    without_plan: bool = False,
    at: datetime | None = None,
) -> Alert:
    """Issue what another proposed; orders follow where the cause calls for cuts. Raises Refused."""
    row = _hold(alert)
    require(actor, ISSUE, at=row.organisation)
    now = at or timezone.now()
    if row.state != Alert.State.PROPOSED:
        raise _not_so(row)
    if row.proposed_by_id == actor.pk:
        raise Refused(
            _("预警由您提出，不能由您签发。"), _("请有签发权限的另一位签发。"), status=403, code="forbidden"
        )
    if row.ends_at <= now:
        raise Refused(_("提出的执行期间已经过去。"), _("请写明不启动，需要时重新提出。"))
    row.number = _number(number)
    row.plan = adopted_plan(row.organisation) if row.cause == CUTS else None
    if row.cause == CUTS and row.plan is None and not without_plan:
        raise Refused(
            _("没有采用的减排方案，签发后没有停产、限产措施可以下达。"),
            _("请先采用方案；来不及的，选“没有方案也签发”，措施另行通知。"),
            code="no_plan",
            at="without_plan",
        )
    starts = max(row.starts_at, now)
    row.state, row.issued_by, row.issued_at = Alert.State.ISSUED, actor, now
    row.starts_at = starts
    step = _step(row, AlertStep.Kind.ISSUED, actor, starts, now, number=row.number, reason=clean_text(note))
    row.save()
    record(actor, "emergency.issue", row, number=row.number, level=row.level, plan=row.plan_id, start=starts)
    _order(row, step, actor)
    _announce(row, step, actor, now)
    return row


@transaction.atomic
def withdraw_alert(actor: User, alert: Alert, *, reason: str, at: datetime | None = None) -> Alert:
    """A proposal is not issued: who issues says so, or who proposed it."""
    row = _hold(alert)
    if row.proposed_by_id != actor.pk:
        require(actor, ISSUE, at=row.organisation)
    now = at or timezone.now()
    if row.state != Alert.State.PROPOSED:
        raise _not_so(row)
    said = _reason(reason)
    row.state = Alert.State.WITHDRAWN
    row.save(update_fields=("state",))
    _step(row, AlertStep.Kind.WITHDRAWN, actor, now, now, reason=said)
    record(actor, "emergency.withdraw_alert", row, reason=said)
    if row.proposed_by is not None and row.proposed_by_id != actor.pk:
        subject = say_later(gettext_lazy("不启动%(level)s预警"), level=say_level(row.level))
        tell([row.proposed_by], subject, said, _address(row), room=ROOM, at=now)
    return row


# -- and goes on -----------------------------------------------------------------------------------------


@transaction.atomic
def change_level(
    actor: User,
    alert: Alert,
    level: str,
    *,
    reason: str,
    number: str,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    despite: bool = False,
    at: datetime | None = None,
) -> Alert:
    """Raise or lower an alert in force: new orders take the place of the old. Raises Refused."""
    row = _hold(alert)
    require(actor, ISSUE, at=row.organisation)
    now = at or timezone.now()
    if row.state != Alert.State.ISSUED:
        raise _not_so(row)
    _check_level(level)
    if level == row.level:
        raise invalid(_("现在就是%(level)s预警。") % {"level": say_level(level)}, "level")
    start = max(starts_at or now, now)
    end = ends_at or max(row.ends_at, start + timedelta(hours=1))
    _check_span(start, end, now)
    said = _reason(reason)
    raised = _RANK[level] > _RANK[row.level]
    departure = _depart_on_the_way(row, level, now)
    _refuse_departure(departure, despite)
    row.level, row.ends_at = level, end
    if row.cause == CUTS:
        row.plan = row.plan or adopted_plan(row.organisation)
    step = _step(
        row,
        AlertStep.Kind.RAISED if raised else AlertStep.Kind.LOWERED,
        actor,
        start,
        now,
        number=_number(number),
        reason=said,
        departs=bool(departure),
    )
    row.save()
    record(actor, "emergency.change_level", row, level=level, number=step.number, departs=departure)
    _order(row, step, actor)
    _announce(row, step, actor, now)
    return row


@transaction.atomic
def extend_alert(
    actor: User,
    alert: Alert,
    ends_at: datetime,
    *,
    reason: str,
    number: str = "",
    at: datetime | None = None,
) -> Alert:
    """The response lasts longer, or is to end earlier, than it was said; orders stay as they are. Raises Refused."""
    row = _hold(alert)
    require(actor, ISSUE, at=row.organisation)
    now = at or timezone.now()
    if row.state != Alert.State.ISSUED:
        raise _not_so(row)
    _check_span(max(row.starts_at, now), ends_at, now)
    if ends_at == row.ends_at:
        raise invalid(_("预计结束时间没有变。"), "ends_at")
    said = _reason(reason)
    row.ends_at = ends_at
    row.save(update_fields=("ends_at",))
    step = _step(row, AlertStep.Kind.EXTENDED, actor, now, now, number=_line(number)[:60], reason=said)
    record(actor, "emergency.extend", row, until=ends_at, number=step.number)
    _announce(row, step, actor, now)
    return row


@transaction.atomic
def lift_alert(
    actor: User,
    alert: Alert,
    *,
    reason: str,
    number: str,
    despite: bool = False,
    at: datetime | None = None,
) -> Alert:
    """The response ends: orders need not be followed any more. Raises Refused."""
    row = _hold(alert)
    require(actor, ISSUE, at=row.organisation)
    now = at or timezone.now()
    if row.state != Alert.State.ISSUED:
        raise _not_so(row)
    said = _reason(reason)
    departure = _depart_on_the_way(row, "", now)
    _refuse_departure(departure, despite)
    row.state, row.lifted_by, row.lifted_at = Alert.State.LIFTED, actor, now
    row.save(update_fields=("state", "lifted_by", "lifted_at"))
    step = _step(
        row,
        AlertStep.Kind.LIFTED,
        actor,
        now,
        now,
        number=_number(number),
        reason=said,
        departs=bool(departure),
    )
    record(actor, "emergency.lift", row, number=step.number, departs=departure)
    _announce(row, step, actor, now)
    return row


def newest_forecast(alert: Alert) -> Forecast | None:
    """The forecast by which an alert is judged now: the newest of its place."""
    rows = Forecast.objects.filter(organisation=alert.organisation_id)
    return rows.order_by("-issued_at", "-pk").first()


def _depart_on_the_way(alert: Alert, level: str, now: datetime) -> str:
    """How a change differs from what the newest forecast calls for. ``level`` empty: lifted."""
    forecast = newest_forecast(alert)
    if forecast is None:
        return _("没有可以依据的预报。")
    if alert.cause != CUTS:
        return ""
    judged = judge_again(forecast, alert, now)
    if judged.action == "lift" or judged.level is None:
        return "" if not level else _("按预报可以解除，不需要%(level)s预警。") % {"level": say_level(level)}
    if not level:
        return _("按预报还不能解除：应维持%(level)s预警。") % {"level": say_level(judged.level)}
    if judged.level == level:
        return ""
    if judged.held == "recent":
        return _("本级执行时间还短，级别频繁变动的应维持较高级别：%(level)s。") % {
            "level": say_level(judged.level)
        }
    return _("按预报应是%(judged)s预警，不是%(level)s。") % {
        "judged": say_level(judged.level),
        "level": say_level(level),
    }


def _refuse_departure(departure: str, despite: bool) -> None:
    if departure and not despite:
        raise Refused(
            departure,
            _("确有理由的（如区域联动通知），选“与规则判断不一致，仍要这样做”，并在理由里写明；会记录在案。"),
            code="departs",
            at="despite",
        )


# -- orders and notices ------------------------------------------------------------------------------------


def _order(alert: Alert, step: AlertStep, actor: User) -> None:
    """Ask for the orders of a step; nothing where the cause calls for no cuts, or there is no plan."""
    if alert.plan_id is None or alert.cause != CUTS:
        return
    title = _("下达%(level)s预警的一厂一策通知") % {"level": say_level(step.level)}
    alert.job = enqueue("emergency.write_orders", actor, title, step=step.pk)
    alert.save(update_fields=("job",))


_SUBJECTS: dict[str, Any] = {
    AlertStep.Kind.ISSUED: gettext_lazy("启动%(level)s预警：%(start)s起"),
    AlertStep.Kind.RAISED: gettext_lazy("预警升级为%(level)s：%(start)s起"),
    AlertStep.Kind.LOWERED: gettext_lazy("预警降级为%(level)s：%(start)s起"),
    AlertStep.Kind.EXTENDED: gettext_lazy("%(level)s预警预计到%(end)s"),
    AlertStep.Kind.LIFTED: gettext_lazy("解除%(level)s预警"),
}
_ADVICE = gettext_lazy("成因是%(cause)s，不启动减排清单；发布健康提示，做好日常检查。")


def _announce(alert: Alert, step: AlertStep, actor: User, now: datetime) -> None:
    """Tell officials and their channels, and the enterprises where a response is extended or ends.

    Enterprises that get new orders are told when these are written.
    """
    subject = say_later(
        _SUBJECTS[step.kind],
        level=say_level(step.level),
        start=_when(step.at),
        end=_when(step.ends_at or alert.ends_at),
    )
    more: Any = step.reason
    if alert.cause != CUTS:
        more = join_lines(say_later(_ADVICE, cause=say_cause(alert.cause)), more)
    _tell_officials(alert, (VIEW,), subject, more, actor, now)
    key = f"alert:{alert.pk}:{step.pk}"
    below = Organisation.objects.filter(
        path__startswith=alert.organisation.path, kind__in=("city", "county", "park")
    )
    tell_channel(below, subject, more, _address(alert), room=ROOM, key=key, urgent=True, at=now)
    if step.kind in (AlertStep.Kind.EXTENDED, AlertStep.Kind.LIFTED):
        ordered = alert.orders.filter(replaced_at=None, lines__gt=0).exclude(enterprise=None)
        people = representatives_of(ordered.values_list("enterprise", flat=True))
        tell(
            people,
            subject,
            say_later(gettext_lazy("可以恢复正常生产，请按规程安全复产。"))
            if step.kind == AlertStep.Kind.LIFTED
            else say_later(gettext_lazy("措施继续执行，到预警解除为止。")),
            reverse("emergency:mine"),
            room=ROOM,
            key=key,
            urgent=True,
            at=now,
        )


def _tell_officials(
    alert: Alert, rights: tuple[str, ...], subject: Any, more: Any, actor: User | None, now: datetime
) -> None:
    roles = [role.pk for role in Role.objects.all() if any(right in role.rights for right in rights)]
    place = alert.organisation
    above = [int(number) for number in place.path.strip("/").split("/") if number]
    inside = Q(memberships__organisation__path__startswith=place.path)
    if rights == (ISSUE,):
        inside |= Q(memberships__organisation__in=above)
    people: Iterable[User] = User.objects.filter(
        inside, memberships__role__in=roles, is_active=True
    ).distinct()
    told = [person for person in people if actor is None or person.pk != actor.pk]
    tell(told, subject, more, _address(alert), room=ROOM, urgent=True, at=now)


def _address(alert: Alert) -> str:
    return reverse("emergency:alert", args=[alert.pk])


def _when(value: datetime) -> Any:
    return say_later(moment, value)


# -- small things ------------------------------------------------------------------------------------------


def _hold(alert: Alert) -> Alert:
    """An alert, for as long as the transaction lasts nobody else's to change."""
    rows = Alert.objects.select_for_update(of=("self",)).select_related("organisation", "plan", "proposed_by")
    return rows.get(pk=alert.pk)


def _step(
    alert: Alert,
    kind: AlertStep.Kind,
    actor: User,
    at: datetime,
    now: datetime,
    *,
    number: str = "",
    reason: str = "",
    departs: bool = False,
) -> AlertStep:
    return AlertStep.objects.create(
        alert=alert,
        kind=kind,
        level=alert.level,
        at=at,
        ends_at=alert.ends_at,
        number=number,
        reason=reason,
        departs=departs,
        done_by=actor,
        done_at=now,
    )


def _check_level(level: str) -> None:
    if level not in Level.values:
        raise invalid(_("没有这一级预警。"), "level")


def _check_span(start: datetime, end: datetime, now: datetime) -> None:
    if end <= start:
        raise invalid(_("结束时间要在开始之后。"), "ends_at")
    if end - start > LONGEST:
        raise invalid(_("一次预警最长 %(days)s 天。") % {"days": LONGEST.days}, "ends_at")
    if end <= now:
        raise invalid(_("结束时间已经过去。"), "ends_at")
    if start - now > AHEAD:
        raise invalid(_("开始时间离现在超过 %(days)s 天。") % {"days": AHEAD.days}, "starts_at")


def _reason(text: str) -> str:
    said = clean_text(text)[:2000]
    if not said:
        raise invalid(_("请写明理由。"), "reason")
    return said


def _number(text: str) -> str:
    said = _line(text)[:60]
    if not said:
        raise invalid(_("请填文号。"), "number")
    return said


def _line(text: str) -> str:
    return " ".join(clean_text(text).split())[:200]


def _not_so(alert: Alert) -> Refused:
    return Refused(
        _("这次预警%(state)s，不能这样做。") % {"state": alert.get_state_display()},
        _("请刷新页面看最新情况。"),
    )
