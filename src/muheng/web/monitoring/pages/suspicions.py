"""Suspicions: the list, and one with what was seen, what else may be behind it, and who looked."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Case as Choose
from django.db.models import IntegerField, QuerySet, Value, When
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from muheng.casework.standing import CHINA
from muheng.monitoring.judgement.signs import NAMES
from muheng.web.entrance import read_number
from muheng.web.monitoring.actions import suspicions as actions
from muheng.web.monitoring.actions.patrols import open_patrol
from muheng.web.monitoring.cases import HANDLE
from muheng.web.monitoring.models import Event, Patrol, Suspicion
from muheng.web.monitoring.moments import to_aware
from muheng.web.monitoring.queries.events import draw_hours
from muheng.web.monitoring.queries.patrols import PATROL
from muheng.web.monitoring.queries.scope import VIEW, suspicions_for
from muheng.web.monitoring.sayings import (
    factor_title,
    innocent_causes,
    mark_title,
    say_ratio,
    sign_title,
)
from muheng.web.paging import rest_of_query
from muheng.web.people.rights import require
from muheng.web.reading import language
from muheng.web.refusal import Refused
from muheng.web.registry.queries import may
from muheng.web.request import Request

PAGE = 50
STRENGTHS: dict[str, Any] = {
    "strong": gettext_lazy("很明显"),
    "clear": gettext_lazy("明显"),
    "weak": gettext_lazy("轻微"),
}
_STRONGEST = {"strong": 0, "clear": 1, "weak": 2}
AROUND = timedelta(days=2)
LONGEST_CHART = timedelta(days=40)


@require_GET
def listing(request: Request) -> HttpResponse:
    """What nobody looked at first, the clearest before the weak."""
    require(request.user, VIEW)
    rows = suspicions_for(request.user).select_related("point__enterprise__county", "looked_by")
    waiting = rows.filter(state=Suspicion.State.NEW, gone=False).count()
    state = request.GET.get("state", Suspicion.State.NEW)
    if state in Suspicion.State.values:
        rows = rows.filter(state=state)
    rows = _filtered(request, rows.filter(gone=False))
    strength = Choose(
        *(When(strength=name, then=Value(place)) for name, place in _STRONGEST.items()),
        default=Value(9),
        output_field=IntegerField(),
    )
    page = Paginator(rows.annotate(place=strength).order_by("place", "-begin", "-pk"), PAGE).get_page(
        request.GET.get("page")
    )
    context = {
        "page": page,
        "rows": [show_row(each) for each in page],
        "query": rest_of_query(request),
        "waiting": waiting,
        "state": state,
        "states": [*Suspicion.State.choices, ("all", _("全部"))],
        "kinds": [(kind, name.render(language())) for kind, name in NAMES.items()],
        "kind": request.GET.get("kind", ""),
        "q": request.GET.get("q", "")[:100],
    }
    return render(request, "monitoring/suspicions.html", context)


def _filtered(request: Request, rows: QuerySet[Suspicion]) -> QuerySet[Suspicion]:
    kind, words = request.GET.get("kind", ""), request.GET.get("q", "").strip()[:100]
    point = read_number(request.GET.get("point", ""))
    if kind in NAMES:
        rows = rows.filter(kind=kind)
    if point is not None:
        rows = rows.filter(point=point)
    if words:
        rows = rows.filter(point__enterprise__name__icontains=words) | rows.filter(
            point__name__icontains=words
        )
    return rows


def show_row(suspicion: Suspicion) -> dict[str, Any]:
    """A suspicion as lists show it."""
    return {
        "suspicion": suspicion,
        "title": sign_title(suspicion.kind),
        "factor": factor_title(suspicion.factor),
        "said": suspicion.seen.get(language()) or suspicion.seen.get("zh", ""),
        "strength": STRENGTHS.get(suspicion.strength, suspicion.strength),
    }


def show(request: Request, number: int) -> HttpResponse:
    """One, with its hours; and what an officer makes of it."""
    require(request.user, VIEW)
    rows = suspicions_for(request.user).select_related(
        "point__enterprise__county", "point__outlet", "looked_by"
    )
    suspicion = rows.filter(pk=number).first()
    if suspicion is None:
        raise Http404(number)
    refused: Refused | None = None
    if request.method == "POST":
        try:
            messages.success(request, _do(request, suspicion))
            return redirect("monitoring:suspicion", suspicion.pk)
        except Refused as found:
            if found.status in (403, 404):
                raise
            refused = found
    enterprise = suspicion.point.enterprise
    check = actions.field_check_of(suspicion)
    now = timezone.now()
    begin = suspicion.begin - AROUND
    end = min(suspicion.end + AROUND, now, begin + LONGEST_CHART)
    first, last = begin.astimezone(CHINA).date(), end.astimezone(CHINA).date() + timedelta(days=1)
    patrols = Patrol.objects.filter(suspicion=suspicion).select_related("case__handler")
    looking = Patrol.objects.filter(point=suspicion.point, done_at=None).select_related("case").first()
    context = {
        **show_row(suspicion),
        "cases": list_cases(suspicion),
        "innocent": innocent_causes(suspicion.kind),
        "chart": draw_hours("suspicion-chart", suspicion.point, suspicion.factor, first, last)
        if suspicion.factor
        else None,
        "handles": may(request.user, HANDLE, enterprise) and suspicion.state != Suspicion.State.CONFIRMED,
        "may_patrol": may(request.user, PATROL, enterprise) and looking is None,
        "patrols": patrols,
        "looking": looking if looking not in patrols else None,
        "check": check,
        "refused": refused,
        "typed": request.POST if refused else {},
    }
    return render(request, "monitoring/suspicion.html", context, status=refused.status if refused else 200)


def list_cases(suspicion: Suspicion) -> list[dict[str, Any]]:
    """The list that a suspicion rests on, each with the event of its time."""
    kept = suspicion.seen.get("cases", ())
    found = []
    events = list(
        Event.objects.filter(point=suspicion.point_id, last__gte=suspicion.begin).order_by("begin", "pk")
    )
    for each in kept:
        begin, made = (to_aware(datetime.fromisoformat(each[name])) for name in ("begin", "made"))
        until = begin + timedelta(hours=each["hours"])
        found.append(
            {
                **each,
                "begin": begin,
                "made": made,
                "ratio": say_ratio(each["ratio"]),
                "mark": mark_title(each["mark"]),
                "event": next((one for one in events if one.begin < until and begin <= one.last), None),
            }
        )
    return found


def _do(request: Request, suspicion: Suspicion) -> str:
    given = request.POST
    if given.get("deed") == "patrol":
        open_patrol(
            request.user,
            suspicion.point,
            Patrol.Reason.SUSPICION,
            note=given.get("note", ""),
            suspicion=suspicion,
        )
        return _("已安排网上巡查。")
    actions.judge_suspicion(request.user, suspicion, given.get("state", ""), given.get("note", ""))
    if given.get("state") == Suspicion.State.CONFIRMED:
        return _("已查实，转现场查处。")
    return _("已记下：有合理解释。")
