"""A card on an enterprise's page in the registry: its newest result, and the ways to why and to what would help."""

from __future__ import annotations

from django.urls import reverse

from muheng.web.evaluation.models import Run
from muheng.web.evaluation.queries.enterprise import PUBLIC
from muheng.web.people.models import User
from muheng.web.registry.models import Enterprise, GradeRecord
from muheng.web.registry.queries import is_own, may
from muheng.web.registry.sections import Section, register_section

TEMPLATE = "evaluation/results/card.html"


def _result(enterprise: Enterprise, user: User) -> Section | None:
    """The newest signed result, and for the enterprise itself a newer one in publicity."""
    record = GradeRecord.objects.filter(enterprise=enterprise, ended_at=None).order_by("-year").first()
    if is_own(user, enterprise) and not may(user, "evaluation.view", enterprise):
        address = f"{reverse('evaluation:mine')}?enterprise={enterprise.code}"
        published = Run.objects.filter(
            evaluation__participants__enterprise=enterprise, evaluation__state__in=PUBLIC
        ).exists()
        if record is None and not published:
            return None
        return Section(TEMPLATE, {"record": record, "published": published, "address": address})
    if record is None or not may(user, "evaluation.view", enterprise):
        return None
    run = Run.objects.filter(pk=record.run).values_list("evaluation_id", "number").first()
    if run is None:
        return None
    return Section(
        TEMPLATE,
        {"record": record, "address": reverse("evaluation:run-enterprise", args=(*run, enterprise.code))},
    )


register_section("grade", _result)
