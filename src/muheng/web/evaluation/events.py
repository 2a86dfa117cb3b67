"""What an evaluation adds to an enterprise's timeline: sheets, objections and their answers, leaving the roster."""

from __future__ import annotations

from collections.abc import Iterator

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from muheng.web.evaluation.models import Confirmation, Objection, Participant
from muheng.web.people.models import User
from muheng.web.people.scope import scope_of
from muheng.web.registry.models import Enterprise
from muheng.web.registry.timeline import KINDS, Event, provider

KIND = "evaluation"
KINDS.setdefault(KIND, gettext_lazy("评价"))


@provider
def list_events(enterprise: Enterprise, user: User) -> Iterator[Event]:
    """Three questions, whatever has happened."""
    scope = scope_of(user, "evaluation.view")
    own = enterprise.pk in scope.enterprises
    seen = own or scope.everything or scope.filter(Enterprise.objects.filter(pk=enterprise.pk)).exists()
    if not seen:
        return
    for sheet in Confirmation.objects.filter(enterprise=enterprise).select_related("evaluation"):
        address = reverse("evaluation:sheet", args=[sheet.evaluation_id, enterprise.code])
        title = {"title": sheet.evaluation.title}
        if sheet.evaluation.confirm_from is not None:
            yield Event(
                sheet.evaluation.confirm_from, KIND, _("%(title)s：发出数据确认单") % title, "", address
            )
        if sheet.state == Confirmation.State.CONFIRMED and sheet.answered_at is not None:
            day = timezone.localdate(sheet.answered_at)
            yield Event(day, KIND, _("%(title)s：确认数据") % title, sheet.note, address)
        if sheet.state == Confirmation.State.SILENT and sheet.evaluation.confirm_until is not None:
            yield Event(sheet.evaluation.confirm_until, KIND, _("%(title)s：逾期未回复") % title, "", address)
    for objection in Objection.objects.filter(enterprise=enterprise).select_related("evaluation"):
        # Who else objected is no business of the enterprise's account.
        if own and objection.party != Objection.Party.OWN:
            continue
        address = reverse("evaluation:objection", args=[objection.pk])
        what = {"number": objection.pk, "item": objection.item or objection.get_stage_display()}
        day = timezone.localdate(objection.raised_at)
        yield Event(day, KIND, _("提出异议 第%(number)s号：%(item)s") % what, objection.text[:100], address)
        if objection.answered_at is not None:
            said = {"number": objection.pk, "state": objection.get_state_display()}
            day = timezone.localdate(objection.answered_at)
            yield Event(
                day, KIND, _("异议 第%(number)s号：%(state)s") % said, objection.answer[:100], address
            )
    out = Participant.objects.filter(enterprise=enterprise, included=False).select_related("evaluation")
    for row in out:
        if row.decided_at is not None:
            day = timezone.localdate(row.decided_at)
            title = {"title": row.evaluation.title}
            yield Event(day, KIND, _("%(title)s：移出名单") % title, row.reason)
