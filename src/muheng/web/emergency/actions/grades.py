"""What an enterprise, or an officer for it, states about the conditions of its grade."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from muheng.documents.message import Refusal
from muheng.emergency.grading import GradeTable, grade_firm, read_fact
from muheng.web.audit.actions import record
from muheng.web.emergency.models import GradeSheet
from muheng.web.emergency.queries.lists import EDIT
from muheng.web.people.models import User
from muheng.web.reading import language
from muheng.web.refusal import Refused, refused_by
from muheng.web.registry.models import Enterprise
from muheng.web.registry.queries import is_own, may


@transaction.atomic
def state_facts(
    actor: User,
    enterprise: Enterprise,
    table: GradeTable,
    given: Mapping[str, str],
    violations: Sequence[str] = (),
    at: datetime | None = None,
) -> GradeSheet:
    """``given``: text by indicator, as typed. Only an officer states violations; an enterprise's stay as they were."""
    official = may(actor, EDIT, enterprise)
    if not official and not is_own(actor, enterprise):
        raise Refused(_("只能填报本企业，或您负责的企业。"), status=403, code="forbidden")
    facts = {}
    for indicator in table.indicators:
        text = given.get(indicator.id, "").strip()[:100]
        try:
            facts[indicator.id] = read_fact(indicator, text)
        except Refusal as refusal:
            refused = refused_by(refusal, language())
            raise Refused(
                refused.what, refused.fix, status=422, code="invalid", at=f"fact-{indicator.id}"
            ) from refusal
    before = GradeSheet.objects.filter(enterprise=enterprise, table=table.id).first()
    kept = list(violations) if official else (before.facts.get("violations", []) if before else [])
    known = {drop.id for drop in table.drops}
    kept = [each for each in kept if each in known]
    when = at or timezone.now()
    grading = grade_firm(table, facts, timezone.localdate(when), kept)
    sheet = GradeSheet.objects.create(
        enterprise=enterprise,
        table=table.id,
        facts={
            **{each.id: given.get(each.id, "").strip()[:100] for each in table.indicators},
            "violations": kept,
        },
        grade=grading.grade,
        by_official=official,
        made_by=actor,
        made_at=when,
    )
    record(actor, "emergency.state_grade", sheet, enterprise=enterprise.code, grade=grading.grade)
    return sheet
