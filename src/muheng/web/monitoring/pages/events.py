"""The inbox of events, one event with its six steps, several reminders verified at once, the list as a file."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from muheng.web.casework.kinds import find_type
from muheng.web.casework.story import list_files
from muheng.web.entrance import read_number
from muheng.web.files.attachments import ACCEPT
from muheng.web.monitoring.actions import events as actions
from muheng.web.monitoring.actions import patrols as patrol_actions
from muheng.web.monitoring.cases import ALERT, HANDLE
from muheng.web.monitoring.models import Event, EventStep, Patrol, Tier
from muheng.web.monitoring.moments import to_local
from muheng.web.monitoring.points import limits_on
from muheng.web.monitoring.queries import events as queries
from muheng.web.monitoring.queries.own import is_late
from muheng.web.monitoring.queries.patrols import PATROL, list_officers, office_of_person
from muheng.web.monitoring.queries.scope import VIEW, events_for
from muheng.web.monitoring.sayings import (
    event_title,
    factor_title,
    factor_unit,
    mark_effect,
    mark_title,
    say_ratio,
    say_seen,
)
from muheng.web.paging import rest_of_query
from muheng.web.people.models import User
from muheng.web.people.rights import require
from muheng.web.refusal import Refused
from muheng.web.registry.queries import may
from muheng.web.request import Request
from muheng.web.templatetags.words import moment, plain

MOST_OF_A_FILE = 20_000
_MOST_AT_ONCE = 200


@require_GET
def listing(request: Request) -> HttpResponse:
    """What is not over, the gravest and soonest due first."""
    require(request.user, VIEW)
    return _listing(request)


def _listing(request: Request, refused: Refused | None = None) -> HttpResponse:
    now = timezone.now()
    asked = queries.read_question(request.GET)
    page = Paginator(queries.ask_events(request.user, asked, now), queries.PAGE).get_page(
        request.GET.get("page")
    )
    gone = queries.why_gone(page)
    context = {
        "asked": asked,
        "counts": queries.count_events(request.user, now),
        "page": page,
        "rows": [show_row(each, now) | {"gone": gone.get(each.pk, "")} for each in page],
        "query": rest_of_query(request),
        "choices": queries.choices_of(request.user),
        "states": queries.STATES.items(),
        "tiers": Tier.choices,
        "bulk": any(may_verify_together(request.user, each) for each in page),
        "refused": refused,
    }
    return render(request, "monitoring/events.html", context, status=refused.status if refused else 200)


def show_row(event: Event, now: datetime) -> dict[str, Any]:
    """An event as lists show it."""
    return {
        "event": event,
        "title": event_title(event.seen, event.factor),
        "factor": factor_title(event.factor),
        "ratio": say_ratio(event.peak),
        "late": event.due_at is not None and event.due_at < now,
        "together": event.tier == Tier.REMIND and event.state == Event.State.ANSWERED,
    }


def may_verify_together(user: User, event: Event) -> bool:
    """Whether an event is a reminder that was answered, for this person to verify."""
    answered = event.state == Event.State.ANSWERED and event.tier == Tier.REMIND
    return answered and actions.may_handle(user, event)


@require_GET
def as_csv(request: Request) -> HttpResponse:
    """The same list as a file."""
    require(request.user, VIEW)
    asked = queries.read_question(request.GET)
    now = timezone.now()
    out = io.StringIO()
    out.write("\ufeff")
    writer = csv.writer(out)
    writer.writerow(
        [
            _("编号"), _("企业"), _("统一社会信用代码"), _("县区"), _("点位"), _("因子"), _("事件"), _("级别"), _("状态"), _("开始"),
            _("最近"), _("最高÷限值"), _("反复"), _("下次升级"), _("企业说明"), _("办结"), _("事项"),
        ]
    )  # fmt: skip
    for event in queries.ask_events(request.user, asked, now)[:MOST_OF_A_FILE]:
        enterprise = event.point.enterprise
        cells = [
            event.number,
            enterprise.name,
            enterprise.code,
            enterprise.county.title if enterprise.county is not None else "",
            event.point.name,
            factor_title(event.factor),
            event_title(event.seen),
            event.get_tier_display(),
            event.get_state_display(),
            moment(event.begin),
            moment(event.last),
            "" if event.peak is None else plain(round(event.peak, 3)),
            _("是") if event.repeated else "",
            moment(event.due_at),
            moment(event.answered_at),
            moment(event.closed_at),
            event.case.number if event.case is not None else "",
        ]
        writer.writerow([harmless(cell) for cell in cells])
    return send(out.getvalue().encode(), _("监测事件") + ".csv", "text/csv; charset=utf-8")


def harmless(cell: str) -> str:
    """A spreadsheet takes no text for a formula."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell


def send(content: bytes, name: str, kind: str = "application/octet-stream") -> HttpResponse:
    """Bytes to be saved under a name."""
    header = content_disposition_header(True, name) or "attachment"
    return HttpResponse(
        content,
        content_type=kind,
        headers={"Content-Disposition": header, "X-Content-Type-Options": "nosniff"},
    )


# -- several at once ---------------------------------------------------------------------------------------


@require_POST
def verify_many(request: Request) -> HttpResponse:
    """Reminders that were answered: first what would be closed, then closed."""
    require(request.user, HANDLE)
    numbers = request.POST.getlist("event")[:_MOST_AT_ONCE]
    rows = events_for(request.user).filter(number__in=numbers).select_related("point__enterprise", "case")
    chosen = [each for each in rows.order_by("number") if may_verify_together(request.user, each)]
    conclusions = _choices("conclusion")
    refused = None
    if not chosen:
        messages.error(request, _("请先勾选已经说明的提醒。"))
        return redirect("monitoring:events")
    if request.POST.get("deed") == "verify":
        try:
            done = actions.verify_many(
                request.user,
                chosen,
                conclusion=request.POST.get("conclusion", ""),
                note=request.POST.get("note", ""),
            )
            messages.success(request, _("已核实 %(count)s 件。") % {"count": len(done)})
            return redirect("monitoring:events")
        except Refused as found:
            if found.status in (403, 404):
                raise
            refused = found
    context = {
        "rows": [
            show_row(each, timezone.now())
            | {"answer": each.steps.filter(kind=EventStep.Kind.ANSWERED).last()}
            for each in chosen
        ],
        "left": len(set(numbers)) - len(chosen),
        "conclusions": conclusions,
        "typed": request.POST,
        "refused": refused,
    }
    return render(
        request, "monitoring/events_verify.html", context, status=refused.status if refused else 200
    )


def _choices(field: str) -> tuple[str, ...]:
    declared = find_type(ALERT).field(field)
    return declared.choices if declared is not None else ()


# -- one event ---------------------------------------------------------------------------------------------


@require_GET
def show(request: Request, number: str) -> HttpResponse:
    require(request.user, VIEW)
    return _show(request, queries.find_event(request.user, number))


def _show(request: Request, event: Event, refused: Refused | None = None) -> HttpResponse:
    user, now = request.user, timezone.now()
    handles = actions.may_handle(user, event)
    patrols = may(user, PATROL, event.point.enterprise)
    office = office_of_person(user) if patrols else None
    context = {
        **frame(event, now, inside=True),
        "handles": handles,
        "may_patrol": patrols and not any(each.done_at is None for each in event.patrols.all()),
        "officers": list_officers(office) if office is not None else [],
        "may_seal": may(user, "monitoring.seal", event.point.enterprise),
        "sealing": event.sealing,
        "own_sealing": event.sealing is not None and event.sealing.owner_id == user.pk,
        "conclusions": _choices("conclusion"),
        "causes": _choices("cause"),
        "accept": ACCEPT,
        "refused": refused,
        "deed": request.POST.get("deed", "") if refused else "",
        "typed": request.POST if refused else {},
    }
    return render(request, "monitoring/event.html", context, status=refused.status if refused else 200)


def frame(event: Event, now: datetime, *, inside: bool) -> dict[str, Any]:
    """What the pages of an event share, for officials and for the enterprise."""
    thread = queries.tell_thread(event, inside)
    limit = limits_on(event.point, to_local(event.begin).date()).get(event.factor)
    case = event.case
    return {
        "event": event,
        "now": now,
        "thread": thread,
        "title": event_title(event.seen, event.factor),
        "factor": factor_title(event.factor),
        "unit": factor_unit(event.factor),
        "limit": None if limit is None else limit.most,
        "limit_changed": any(each.step.kind == EventStep.Kind.LIMITS for each in thread.told),
        "gone": queries.why_gone([event]).get(event.pk, ""),
        "ratio": say_ratio(event.peak),
        "late": event.due_at is not None and event.due_at < now,
        "seen": [
            {
                "said": say_seen(each),
                "tier": Tier(each["tier"]).label if each.get("tier") in Tier.values else "",
                "first": _moment(each.get("first")),
                "last": _moment(each.get("last")),
                "times": each.get("times"),
            }
            for each in event.seen
        ],
        "marks": [
            {
                "mark": each,
                "title": mark_title(each.mark),
                "effect": mark_effect(each.mark),
                "late": is_late(each),
            }
            for each in thread.marks
        ],
        "chart": queries.draw_chart(event, now),
        "files": list_files(case, inside) if case is not None else [],
        "version": actions.case_version(case),
    }


def _moment(text: str | None) -> str:
    return f"{datetime.fromisoformat(text):%m-%d %H:%M}" if text else ""


@require_POST
def act(request: Request, number: str) -> HttpResponse:
    """What the button says."""
    require(request.user, VIEW)
    event = queries.find_event(request.user, number)
    try:
        said = _do(request, event)
    except Refused as refused:
        if refused.status in (403, 404):
            raise
        return _show(request, event, refused)
    messages.success(request, said)
    return redirect("monitoring:event", event.number)


def _do(request: Request, event: Event) -> str:
    given, user = request.POST, request.user
    deed, note, seen = given.get("deed", ""), given.get("note", ""), read_number(given.get("seen", ""))
    files = request.FILES.getlist("files")
    if deed == "answer":
        actions.answer(user, event, cause=given.get("cause", ""), note=note, uploads=files, seen=seen)
        return _("已代为登记企业的说明。")
    if deed == "verify":
        conclusion = given.get("conclusion", "")
        actions.verify(user, event, conclusion=conclusion, note=note, uploads=files, seen=seen)
        return _("已核实，事件办结。")
    if deed == "return":
        actions.send_back(user, event, note=note, seen=seen)
        return _("已退回企业，请它补充说明。")
    if deed == "dismiss":
        actions.dismiss(user, event, note=note, seen=seen)
        return _("已按误报办结。")
    if deed == "field":
        found = actions.send_to_field(user, event, note=note, seen=seen)
        check = queries.tell_thread(found, inside=True).check
        return _("已转现场查处：%(number)s。") % {"number": check.number if check is not None else ""}
    if deed == "patrol":
        handler = User.objects.filter(pk=read_number(given.get("handler", "")) or 0).first()
        patrol_actions.open_patrol(
            user, event.point, Patrol.Reason.EVENT, note=note, event=event, handler=handler
        )
        return _("已安排网上巡查。")
    raise Refused(_("没有这个动作。"), status=422, code="invalid")
