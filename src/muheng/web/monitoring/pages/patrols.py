"""Patrols from afar: what waits, rounds with their draw and progress, the form of one."""

from __future__ import annotations

import csv
import io
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import F
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from muheng.web.casework.story import list_files
from muheng.web.entrance import read_number
from muheng.web.files.attachments import ACCEPT
from muheng.web.monitoring.actions import patrols as actions
from muheng.web.monitoring.city_rules import patrol_rules
from muheng.web.monitoring.models import Patrol, PatrolRound, Point
from muheng.web.monitoring.pages.events import harmless, send
from muheng.web.monitoring.pages.reading import read_numbers
from muheng.web.monitoring.queries import patrols as queries
from muheng.web.paging import rest_of_query
from muheng.web.people.rights import require
from muheng.web.refusal import Refused
from muheng.web.request import Request

PAGE = 50


@require_GET
def listing(request: Request) -> HttpResponse:
    """What waits, the person's own first; and the rounds."""
    require(request.user, queries.PATROL)
    rows = queries.patrols_for(request.user)
    mine = rows.filter(done_at=None, case__handler=request.user)
    only = request.GET.get("only", "")
    shown = {
        "mine": mine,
        "done": rows.filter(done_at__isnull=False).order_by("-done_at"),
        "abnormal": rows.filter(finding="abnormal").order_by("-done_at"),
    }.get(only, rows.filter(done_at=None).order_by(F("due").asc(nulls_last=True), "pk"))
    context = {
        "page": Paginator(shown, PAGE).get_page(request.GET.get("page")),
        "query": rest_of_query(request),
        "rounds": queries.rounds_for(request.user)[:20],
        "mine": mine.count(),
        "waiting": rows.filter(done_at=None).count(),
        "late": rows.filter(done_at=None, due__lt=timezone.localdate()).count(),
        "only": only,
        "today": timezone.localdate(),
    }
    return render(request, "monitoring/patrols.html", context)


def draw(request: Request) -> HttpResponse:
    """Draw a round: the seed is shown before anybody knows what it gives."""
    require(request.user, queries.PATROL)
    office = queries.office_of_person(request.user)
    if office is None:
        raise Refused(_("您不在任何巡查单位里。"), status=403, code="forbidden")
    refused: Refused | None = None
    officers = queries.list_officers(office)
    if request.method == "POST":
        chosen = set(read_numbers(request.POST.getlist("officers")))
        try:
            made = actions.draw_round(
                request.user,
                request.POST.get("title", ""),
                read_number(request.POST.get("count", "")) or 0,
                [each for each in officers if each.pk in chosen],
            )
            messages.success(request, _("抽出 %(count)s 个点位。") % {"count": len(made.drawn["picked"])})
            return redirect("monitoring:patrol-round", made.pk)
        except Refused as found:
            if found.status in (403, 404):
                raise
            refused = found
    now = timezone.now()
    rules = patrol_rules().patrol
    chances = queries.list_chances(request.user, now)
    number = PatrolRound.objects.filter(organisation=office).count() + 1
    context = {
        "office": office,
        "officers": officers,
        "seed": queries.next_seed(office),
        "chances": len(chances),
        "tickets": sum(each.weight for each in chances),
        "rules": rules,
        "title": request.POST.get("title")
        or _("%(month)s第 %(number)s 轮") % {"month": f"{timezone.localdate(now):%Y-%m} ", "number": number},
        "count": request.POST.get("count") or min(rules.points, len(chances)),
        "chosen": set(read_numbers(request.POST.getlist("officers"))) or {request.user.pk},
        "refused": refused,
    }
    return render(request, "monitoring/patrol_draw.html", context, status=refused.status if refused else 200)


@require_GET
def round_(request: Request, number: int) -> HttpResponse:
    """A round: progress, who looks at what, and the draw again."""
    require(request.user, queries.PATROL)
    made = queries.find_round(request.user, number)
    patrols = queries.patrols_for(request.user).filter(round=made).order_by("pk")
    context = {
        "round": made,
        "patrols": patrols,
        "candidates": len(made.drawn["candidates"]),
        "same": queries.draw_again(made) == made.drawn["picked"],
        "today": timezone.localdate(),
        "left": made.total - made.done,  # type: ignore[attr-defined]
    }
    return render(request, "monitoring/patrol_round.html", context)


@require_GET
def candidates(request: Request, number: int) -> HttpResponse:
    """The list that a round was drawn from, so that anybody can draw it again."""
    require(request.user, queries.PATROL)
    made = queries.find_round(request.user, number)
    points = Point.objects.select_related("enterprise").in_bulk(
        [each["point"] for each in made.drawn["candidates"]]
    )
    out = io.StringIO()
    out.write("\ufeff")
    writer = csv.writer(out)
    writer.writerow(
        [
            _("点位编号"),
            _("企业"),
            _("点位"),
            _("份数"),
            _("待核疑点"),
            _("未办结事件"),
            _("未自证天数"),
            _("抽中次序"),
        ]
    )
    place = {number: at for at, number in enumerate(made.drawn["picked"], start=1)}
    for each in made.drawn["candidates"]:
        point = points[each["point"]]
        writer.writerow(
            [
                each["point"],
                harmless(point.enterprise.name),
                harmless(point.name),
                each["weight"],
                each["suspicions"],
                each["events"],
                each["unproved"],
                place.get(each["point"], ""),
            ]
        )
    return send(out.getvalue().encode(), f"{made.title}.csv", "text/csv; charset=utf-8")


# -- one -------------------------------------------------------------------------------------------------------


def show(request: Request, number: int) -> HttpResponse:
    """One patrol: what to look for, the data, and what was found."""
    require(request.user, queries.PATROL)
    patrol = queries.find_patrol(request.user, number)
    refused: Refused | None = None
    if request.method == "POST":
        try:
            found = _finish(request, patrol)
            said = _("未见异常。") if found.finding == "normal" else _("已记下异常，接着办。")
            messages.success(request, said)
            return redirect("monitoring:patrol", patrol.pk)
        except Refused as error:
            if error.status in (403, 404):
                raise
            refused = error
    case = patrol.case
    typed: Any = request.POST if refused else {}
    names = {
        "data": _("数据"),
        "video": _("视频"),
        "power": _("用电"),
        "dcs": _("工况（DCS）"),
        "ledger": _("台账"),
    }
    known = case.fields if case is not None else {}
    context = {
        "patrol": patrol,
        "case": case,
        "asked": known.get("asked", ""),
        "looked": [
            {"id": name, "title": names[name], "value": typed.get(name) or known.get(name, "")}
            for name in actions.LOOKED
        ],
        "findings": [("正常", _("正常")), ("异常", _("异常")), ("未查看", _("未查看"))],
        "labels": actions.LABELS,
        "files": list_files(case, True) if case is not None else [],
        "follow_up": actions.case_of_follow_up(patrol),
        "open": patrol.done_at is None,
        "note": case.events.filter(act__in=("find_normal", "find_abnormal")).last()
        if case is not None
        else None,
        "accept": ACCEPT,
        "refused": refused,
        "typed": typed,
    }
    return render(request, "monitoring/patrol.html", context, status=refused.status if refused else 200)


def _finish(request: Request, patrol: Patrol) -> Patrol:
    given = request.POST
    uploads = [
        (label, upload)
        for at, label in enumerate(actions.LABELS)
        for upload in request.FILES.getlist(f"file-{at}")
    ]
    return actions.finish_patrol(
        request.user,
        patrol,
        {name: given.get(name, "") for name in actions.LOOKED},
        normal=given.get("normal") == "yes",
        note=given.get("note", ""),
        follow_up=given.get("follow_up", ""),
        uploads=uploads,
        seen=read_number(given.get("seen", "")),
    )


@require_POST
def open_for_proof(request: Request) -> HttpResponse:
    """A patrol of an enterprise's points, because its proof is missing."""
    require(request.user, queries.PATROL)
    points = queries.points_to_patrol(request.user).filter(
        enterprise__code=request.POST.get("enterprise", "")
    )
    opened, refused = 0, None
    for point in points:
        try:
            actions.open_patrol(request.user, point, Patrol.Reason.NO_PROOF)
            opened += 1
        except Refused as error:
            refused = error
    if opened:
        messages.success(request, _("已安排巡查 %(count)s 个点位。") % {"count": opened})
    elif refused is not None:
        messages.error(request, f"{refused.what} {refused.fix}".strip())
    return redirect("monitoring:proofs")
