"""Ways of looking at results that a person keeps under a name."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.http import Http404, QueryDict
from django.utils.translation import gettext as _

from muheng.web.audit.actions import record
from muheng.web.evaluation.models import SavedFilter
from muheng.web.evaluation.queries.results import LARGEST, SeenRun
from muheng.web.evaluation.queries.table import list_fields, read_question
from muheng.web.refusal import Refused

MOST_SAVED = 30


@transaction.atomic
def save_filter(actor: Any, seen: SeenRun, name: str, query: str) -> SavedFilter:
    """Keep the question of an address under a name; a name that is taken is given the new one."""
    query = read_question(QueryDict(query[:2000]), list_fields(seen)).address
    if not name:
        raise Refused(_("请给这个筛选起个名字。"), status=422, code="invalid", at="name")
    if len(query) > 1000:
        raise Refused(_("这个筛选太长，存不下。"), _("请少选几列。"), status=422, code="invalid", at="query")
    kept = SavedFilter.objects.filter(user=actor)
    if kept.count() >= MOST_SAVED and not kept.filter(name=name).exists():
        raise Refused(_("最多存 %(most)s 个筛选。") % {"most": MOST_SAVED}, _("请先删掉不用的。"))
    found, _made = SavedFilter.objects.update_or_create(user=actor, name=name, defaults={"query": query})
    record(actor, "evaluation.save_filter", found, query=query)
    return found


@transaction.atomic
def drop_filter(actor: Any, number: int) -> None:
    """Raises Http404 for one that is not the person's own."""
    found = SavedFilter.objects.filter(pk=number, user=actor).first() if number <= LARGEST else None
    if found is None:
        raise Http404
    record(actor, "evaluation.drop_filter", found)
    found.delete()
