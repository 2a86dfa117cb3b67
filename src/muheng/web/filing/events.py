"""Monthly filings on an enterprise's timeline: what was handed in, and what was sent back."""

from __future__ import annotations

from collections.abc import Iterator

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from muheng.web.filing.models import Step
from muheng.web.filing.queries import visible_filings
from muheng.web.filing.wording import item_title
from muheng.web.people.models import User
from muheng.web.registry.models import Enterprise
from muheng.web.registry.timeline import KINDS, Event, provider

KINDS["filing"] = gettext_lazy("月度填报")
_MOST = 60


@provider
def filings(enterprise: Enterprise, user: User) -> Iterator[Event]:
    """Filings that the person may see, the newest; who may not see the form gets no link to it."""
    seen = visible_filings(user).filter(enterprise=enterprise)
    steps = Step.objects.filter(filing__in=seen, verb__in=(Step.Verb.SUBMIT, Step.Verb.RETURN))
    for step in steps.select_related("filing").order_by("-at")[:_MOST]:
        when = step.filing.when
        href = reverse("filing:month", args=[enterprise.code, str(when)])
        if step.verb == Step.Verb.RETURN:
            said, note = _("%(month)s的填报被退回") % {"month": when.title}, step.note
        else:
            said = _("填报%(month)s数据") % {"month": when.title}
            reasons = step.filing.reasons if step.filing.flagged else {}
            note = "；".join(f"{item_title(name)}：{why}" for name, why in reasons.items())
        yield Event(timezone.localdate(step.at), "filing", said, note, href)
