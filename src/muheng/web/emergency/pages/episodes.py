"""The report of an episode: looked at before it is issued, and found again as it was issued."""

from __future__ import annotations

from datetime import date
from typing import cast

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from muheng.reports.episode import Episode, duration, share, summarise
from muheng.reports.order import LEVEL_NAMES, kilograms, ten_thousand_yuan
from muheng.web.emergency.actions import episodes as actions
from muheng.web.emergency.models import Alert
from muheng.web.emergency.pictures import draw_episode
from muheng.web.emergency.queries import alerts as queries
from muheng.web.files.pages import download
from muheng.web.people.rights import holds, require
from muheng.web.refusal import Refused
from muheng.web.request import Request


def draft(request: Request, number: int) -> HttpResponse:
    """The report as it would be issued now; what a person adds, and issuing it."""
    require(request.user, queries.VIEW)
    alert = queries.find_alert(request.user, number)
    if alert.state != Alert.State.LIFTED or not queries.sees_whole(request.user, alert):
        raise Http404
    may_issue = holds(request.user, queries.EDIT, alert.organisation) or holds(
        request.user, queries.ISSUE, alert.organisation
    )
    refused: Refused | None = None
    now = timezone.now()
    recorded: dict[date, int] = {}
    learnt = request.POST.get("learnt", "").splitlines()
    if request.method == "POST":
        try:
            recorded = _recorded(request, alert)
            if "issue" in request.POST:
                made = actions.issue_report(request.user, alert, recorded=recorded, learnt=learnt)
                messages.success(request, _("总结报告已存档。"))
                return redirect("emergency:episode", made.pk)
        except Refused as found:
            if found.status in (403, 404):
                raise
            refused = found
    days = actions.days_to_record(alert, now)
    context = {
        **_shown(actions.draft_report(alert, recorded, learnt, now)),
        "alert": alert,
        "refused": refused,
        "may_issue": may_issue,
        "learnt": request.POST.get("learnt", ""),
        "to_record": [
            (day, forecast, request.POST.get(f"aqi-{day.isoformat()}", "")) for day, forecast in days
        ],
    }
    return render(request, "emergency/episode_draft.html", context, status=refused.status if refused else 200)


@require_GET
def show(request: Request, number: int) -> HttpResponse:
    """An issued report."""
    report = queries.reports_for(request.user).filter(pk=number).first()
    if report is None:
        raise Http404
    context = {**_shown(actions.read_report(report)), "report": report, "alert": report.alert}
    return render(request, "emergency/episode_show.html", context)


@require_GET
def paper(request: Request, number: int, kind: str) -> HttpResponse:
    """The Word file or the workbook of an issued report."""
    report = queries.reports_for(request.user).filter(pk=number).first()
    file = (
        None if report is None else report.docx if kind == "docx" else report.xlsx if kind == "xlsx" else None
    )
    if file is None:
        raise Http404
    return cast(HttpResponse, download(file))


def _shown(episode: Episode) -> dict[str, object]:
    whole = episode.whole
    return {
        "episode": episode,
        "sentences": summarise(episode),
        "rate": share(whole.rate),
        "chart": draw_episode(episode) if episode.days else None,
        "span": duration(episode.minutes),
        "saved": ten_thousand_yuan(episode.saved) if episode.saved else "",
        "loss": ten_thousand_yuan(episode.loss),
        "parts": [(each, share(each.rate)) for each in (*episode.counties, whole)] if whole.firms else [],
        "levels": [
            (
                LEVEL_NAMES[each.level],
                each.level,
                [
                    (
                        name,
                        kilograms(each.need[at]) if each.need is not None else "—",
                        kilograms(each.planned[at]),
                        kilograms(each.shown[at]),
                    )
                    for at, name in enumerate(("SO₂", "NOₓ", "PM", "VOCs"))
                ],
            )
            for each in episode.levels
        ],
    }


def _recorded(request: Request, alert: Alert) -> dict[date, int]:
    found = {}
    for day, _forecast in actions.days_to_record(alert, timezone.now()):
        text = request.POST.get(f"aqi-{day.isoformat()}", "").strip()
        if not text:
            continue
        if not (text.isascii() and text.isdigit() and len(text) <= 3):
            raise Refused(
                _("%(day)s的AQI“%(text)s”不是 0 到 500 的整数。")
                % {"day": day.isoformat(), "text": text[:20]},
                status=422,
                code="invalid",
                at=f"aqi-{day.isoformat()}",
            )
        found[day] = int(text)
    return found
