"""Orders: the list of an alert, one order with its evidence, the form for a line, where inspectors go, the plant's own page."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any, cast

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from muheng.web.casework.models import Case
from muheng.web.casework.queries import visible_cases
from muheng.web.emergency.actions import checkins as actions
from muheng.web.emergency.actions import orders as papers
from muheng.web.emergency.models import CheckIn, Order
from muheng.web.emergency.pages.alerts import read_moment, require_sight
from muheng.web.emergency.pictures import state_names
from muheng.web.emergency.queries import alerts as queries
from muheng.web.entrance import read_number
from muheng.web.files.attachments import ACCEPT
from muheng.web.files.models import StoredFile
from muheng.web.files.pages import download
from muheng.web.paging import rest_of_query
from muheng.web.people.models import Organisation
from muheng.web.people.rights import require
from muheng.web.reading import language
from muheng.web.refusal import Refused
from muheng.web.request import Request
from muheng.web.templatetags.words import plain

_PAGE = 50


@require_GET
def listing(request: Request, number: int) -> HttpResponse:
    """The orders of an alert that a person may see, what is not in place first."""
    require(request.user, queries.VIEW)
    alert = queries.find_alert(request.user, number)
    rows = _filtered(request, queries.orders_of(request.user, alert))
    page = Paginator(queries.sort_by_urgency(rows), _PAGE).get_page(request.GET.get("page"))
    for order in page:
        order.state = queries.state_of(order)  # type: ignore[attr-defined]
    counties = Organisation.objects.filter(
        pk__in=queries.orders_of(request.user, alert).values("firm__county")
    ).order_by("order", "pk")
    context = {
        "alert": alert,
        "page": page,
        "query": rest_of_query(request),
        "names": state_names(),
        "counties": counties,
        "asked": {
            "q": request.GET.get("q", "")[:100],
            "state": request.GET.get("state", ""),
            "county": read_number(request.GET.get("county", "")),
        },
        "execution": queries.count_execution(rows),
    }
    return render(request, "emergency/order_all.html", context)


def _filtered(request: Request, rows: Any) -> Any:
    words, county = request.GET.get("q", "").strip()[:100], read_number(request.GET.get("county", ""))
    rows = queries.filter_state(rows, request.GET.get("state", ""))
    if county is not None:
        rows = rows.filter(firm__county=county)
    if words:
        rows = rows.filter(firm__name__icontains=words) | rows.filter(firm__code=words.upper())
    return rows


@require_GET
def roster(request: Request, number: int, kind: str) -> HttpResponse:
    """The list of what was ordered, as a workbook or a Word file: of the enterprises that a person may see."""
    require(request.user, queries.VIEW)
    alert = queries.find_alert(request.user, number)
    orders = list(queries.orders_of(request.user, alert).order_by("firm__county__order", "firm__code"))
    if not orders:
        raise Http404
    if kind == "xlsx":
        content = papers.make_roster_xlsx(
            alert, orders, queries.states_of_lines([each.pk for each in orders])
        )
    elif kind == "docx":
        content = papers.make_roster_docx(alert, orders)
    else:
        raise Http404
    name = _("%(title)s措施清单") % {"title": alert.title}
    return _send(content, f"{name}.{kind}")


def _send(content: bytes, name: str) -> HttpResponse:
    from django.utils.http import content_disposition_header

    header = content_disposition_header(True, name)
    return HttpResponse(
        content,
        content_type="application/octet-stream",
        headers={"Content-Disposition": header or "attachment", "X-Content-Type-Options": "nosniff"},
    )


@require_GET
def show(request: Request, number: int) -> HttpResponse:
    require_sight(request)
    return _show(request, queries.find_order(request.user, number))


def _show(request: Request, order: Order, refused: Refused | None = None) -> HttpResponse:
    """An order: what each line does, what shows it, what can be done about it."""
    user = request.user
    content = papers.read_order(order)
    checks = list(
        order.check_ins.select_related("measure", "made_by").prefetch_related("files").order_by("-at", "-pk")
    )
    states = queries.states_of_lines([order.pk])
    own, inspects = actions.acts_for(user, order), queries.may_inspect(user, order)
    live = queries.in_force(order)
    hazard = actions.case_of(order)
    objections = Case.objects.filter(source=actions.source_of(order), type=actions.DEMAND)
    context = {
        "order": order,
        "content": content,
        "alert": order.alert,
        "lines": [
            {
                "line": each,
                "said": (each.text_english or each.said) if language() == "en" else each.said,
                "state": states.get((order.pk, each.measure)),
                "checks": [_shown(check) for check in checks if check.measure_id == each.measure],
            }
            for each in content.lines
        ],
        "state": queries.state_of(order),
        "names": state_names(),
        "live": live,
        "own": own,
        "inspects": inspects,
        "may_acknowledge": live and order.acknowledged_at is None and (own or inspects),
        "may_object": own and live,
        "objections": list(visible_cases(user).filter(pk__in=objections.values("pk"))),
        "hazard": hazard
        if hazard is not None and visible_cases(user).filter(pk=hazard.pk).exists()
        else None,
        "may_open": inspects and live and order.broken_lines > 0 and hazard is None,
        "why": _why(order, own, inspects),
        "refused": refused,
        "typed": request.POST if refused else {},
        "earlier": queries.orders_for(user)
        .filter(alert=order.alert, firm=order.firm)
        .exclude(pk=order.pk)
        .order_by("-sent_at"),
    }
    return render(request, "emergency/order_show.html", context, status=refused.status if refused else 200)


def _shown(check: CheckIn) -> dict[str, Any]:
    return {
        "check": check,
        "said": actions.say_check(check),
        "usual": plain(check.usual),
        "found": plain(check.found),
        "files": list(check.files.all()),
    }


def _why(order: Order, own: bool, inspects: bool) -> str:
    """The page that says why a line has its measure, up to the line; empty for who may not see it."""
    if own:
        return f"{reverse('emergency:own-why')}?line="
    plan = order.alert.plan_id
    return f"{reverse('emergency:plan-why', args=[plan])}?line=" if inspects and plan is not None else ""


@require_GET
def paper(request: Request, number: int, kind: str) -> HttpResponse:
    """The Word file of an order, or of its board."""
    require_sight(request)
    order = queries.find_order(request.user, number)
    if kind not in ("order", "board") or not order.lines:
        raise Http404
    return cast(HttpResponse, download(papers.find_paper(order, "order" if kind == "order" else "board")))


@require_GET
def evidence(request: Request, number: int, file: int) -> HttpResponse:
    """A file that was brought with a check."""
    require_sight(request)
    order = queries.find_order(request.user, number)
    found = StoredFile.objects.filter(
        pk__in=CheckIn.files.through.objects.filter(checkin__order=order).values("storedfile"), pk=file
    ).first()
    if found is None:
        raise Http404
    return cast(HttpResponse, download(found))


@require_POST
def act(request: Request, number: int) -> HttpResponse:
    """Acknowledge, object, or open a case: what the button says."""
    require_sight(request)
    order = queries.find_order(request.user, number)
    deed = request.POST.get("deed", "")
    try:
        if deed == "acknowledge":
            actions.acknowledge(request.user, order)
            messages.success(request, _("已确认收到。"))
        elif deed == "object":
            case = actions.object_to(request.user, order, text=request.POST.get("text", ""))
            messages.success(request, _("异议已提出：%(number)s。措施照常执行。") % {"number": case.number})
        elif deed == "hazard":
            case = actions.open_hazard(request.user, order, note=request.POST.get("note", ""))
            messages.success(request, _("已立事项：%(number)s。") % {"number": case.number})
    except Refused as refused:
        if refused.status in (403, 404):
            raise
        return _show(request, order, refused)
    return redirect("emergency:order", order.pk)


def check(request: Request, number: int, measure: int) -> HttpResponse:
    """The form for one line, for a phone: the plant brings evidence, an officer says what they see."""
    require_sight(request)
    order = queries.find_order(request.user, number)
    content = papers.read_order(order)
    line = next((each for each in content.lines if each.measure == measure), None)
    if line is None:
        raise Http404
    own, inspects = actions.acts_for(request.user, order), queries.may_inspect(request.user, order)
    if not own and not inspects:
        raise Http404
    refused: Refused | None = None
    if request.method == "POST":
        try:
            made = (
                _inspect(request, order, line.line)
                if inspects and not own
                else _bring(request, order, line.line)
            )
            messages.success(
                request,
                _("%(line)s：%(verdict)s") % {"line": line.name, "verdict": made.get_verdict_display()},
            )
            if inspects and not own and "next" in request.POST:
                return redirect("emergency:checks")
            return redirect("emergency:order", order.pk)
        except Refused as found:
            if found.status in (403, 404):
                raise
            refused = found
    context = {
        "order": order,
        "content": content,
        "line": line,
        "said": (line.text_english or line.said) if language() == "en" else line.said,
        "inspecting": inspects and not own,
        "live": queries.in_force(order),
        "begun": order.due_at <= timezone.now(),
        "kinds": [each for each in CheckIn.Kind.choices if each[0] in actions.BY_PLANT],
        "kind": request.POST.get("kind") or _usual_kind(line),
        "verdicts": [
            (CheckIn.Verdict.DONE, CheckIn.Verdict.DONE.label),
            (CheckIn.Verdict.BROKEN, CheckIn.Verdict.BROKEN.label),
        ],
        "accept": ACCEPT,
        "refused": refused,
        "typed": request.POST if refused else {},
        "now": timezone.localtime(timezone.now()),
        "checks": [
            _shown(each)
            for each in order.check_ins.filter(measure=measure).select_related("measure", "made_by")[:5]
        ],
    }
    return render(request, "emergency/order_check.html", context, status=refused.status if refused else 200)


def _usual_kind(line: Any) -> str:
    if line.meter:
        return CheckIn.Kind.POWER
    return CheckIn.Kind.MONITOR if line.outlet else CheckIn.Kind.PHOTO


def _inspect(request: Request, order: Order, line: str) -> CheckIn:
    given = request.POST
    return actions.inspect(
        request.user,
        order,
        line,
        given.get("verdict", ""),
        note=given.get("note", ""),
        uploads=request.FILES.getlist("files"),
    )


def _bring(request: Request, order: Order, line: str) -> CheckIn:
    given = request.POST
    evidence = actions.Evidence(
        kind=given.get("kind", ""),
        at=read_moment(given.get("at", ""), "at", optional=True),
        usual=_figure(given.get("usual", ""), "usual"),
        found=_figure(given.get("found", ""), "found"),
        unit=given.get("unit", ""),
        note=given.get("note", ""),
    )
    return actions.check_in(request.user, order, line, evidence, request.FILES.getlist("files"))


def _figure(text: str, at: str) -> Decimal | None:
    text = text.strip().replace(",", "").replace("，", "")
    if not text:
        return None
    try:
        found = Decimal(text)
    except InvalidOperation:
        found = None
    if found is None or not found.is_finite():
        raise Refused(
            _("“%(text)s”不是数。") % {"text": text[:40]},
            _("只写数，例如 1250.5。"),
            status=422,
            code="invalid",
            at=at,
        )
    return round(found, 3) if found < 10**12 else found


@require_GET
def checks(request: Request) -> HttpResponse:
    """Where an inspector goes: not in place first, then who has not answered, then who has shown nothing."""
    require(request.user, queries.INSPECT)
    every = queries.inspectable(request.user)
    rows = _filtered(request, every)
    if not request.GET.get("state"):
        rows = rows.exclude(pk__in=queries.filter_state(every, "done").values("pk"))
    page = Paginator(queries.sort_by_urgency(rows), _PAGE).get_page(request.GET.get("page"))
    for order in page:
        order.state = queries.state_of(order)  # type: ignore[attr-defined]
    context = {
        "page": page,
        "query": rest_of_query(request),
        "names": state_names(),
        "execution": queries.count_execution(every),
        "asked": {"q": request.GET.get("q", "")[:100], "state": request.GET.get("state", "")},
    }
    return render(request, "emergency/order_checks.html", context)


@require_GET
def mine(request: Request) -> HttpResponse:
    """What the person's enterprises have to do now, and what they had."""
    require(request.user, queries.OWN)
    rows = list(queries.own_orders(request.user).order_by("-sent_at")[:100])
    live = [order for order in rows if queries.in_force(order)]
    states = queries.states_of_lines([order.pk for order in live])
    shown = []
    for order in live:
        content = papers.read_order(order)
        lines = [
            {
                "line": each,
                "said": (each.text_english or each.said) if language() == "en" else each.said,
                "state": states.get((order.pk, each.measure)),
            }
            for each in content.lines
        ]
        shown.append({"order": order, "content": content, "lines": lines})
    context = {
        "live": shown,
        "past": [order for order in rows if order not in live],
        "why": f"{reverse('emergency:own-why')}?line=",
    }
    return render(request, "emergency/mine.html", context)
