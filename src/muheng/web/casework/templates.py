"""Texts that an office answers with often: whose they are, written, changed, removed."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import Http404
from django.utils.translation import gettext as _

from muheng.web.audit.actions import record
from muheng.web.casework.kinds import find_type
from muheng.web.casework.models import AnswerTemplate, Case
from muheng.web.casework.queries import own_offices
from muheng.web.people.models import Organisation, User
from muheng.web.people.rights import holds, posts_of, require
from muheng.web.refusal import Refused

SET = "casework.set"
MOST_LETTERS = 5_000


def templates_for(user: User, case: Case) -> QuerySet[AnswerTemplate]:
    """What a person may answer a case with: the texts of their own offices, of the office that has it, and of those above."""
    above = [int(number) for number in case.organisation.path.strip("/").split("/")]
    rows = AnswerTemplate.objects.filter(organisation__in={*own_offices(user), *above})
    return rows.filter(Q(kind="") | Q(kind=case.kind), type=case.type).select_related("organisation")


def templates_of(user: User) -> QuerySet[AnswerTemplate]:
    """The texts that a person looks after."""
    within = Q(pk__in=())
    for post in posts_of(user):
        if SET in post.rights:
            within |= Q(organisation__path__startswith=post.path)
    return AnswerTemplate.objects.filter(within).select_related("organisation")


def find_template(user: User, number: int) -> AnswerTemplate:
    """A text that a person looks after. Raises Http404."""
    found = AnswerTemplate.objects.filter(pk=number).select_related("organisation").first()
    if found is None or not holds(user, SET, found.organisation):
        raise Http404
    return found


@transaction.atomic
def write_template(
    actor: User, organisation: Organisation, type_id: str, title: str, text: str, kind: str = ""
) -> AnswerTemplate:
    """A new text of an office. Raises Refused."""
    require(actor, SET, organisation)
    made = AnswerTemplate(organisation=organisation, type=type_id)
    _fill(made, title, text, kind)
    made.save()
    record(actor, "casework.write_template", made, organisation=organisation.path, type=type_id)
    return made


@transaction.atomic
def change_template(actor: User, template: AnswerTemplate, title: str, text: str, kind: str = "") -> None:
    """Another text in its place; answers already given stay as they were. Raises Refused."""
    require(actor, SET, template.organisation)
    _fill(template, title, text, kind)
    template.save()
    record(actor, "casework.change_template", template)


@transaction.atomic
def remove_template(actor: User, template: AnswerTemplate) -> None:
    """The office answers with it no more."""
    require(actor, SET, template.organisation)
    record(actor, "casework.remove_template", template)
    template.delete()


def _fill(template: AnswerTemplate, title: str, text: str, kind: str) -> None:
    case_type = find_type(template.type)
    template.title, template.text, template.kind = " ".join(title.split()), text.strip(), kind
    if kind and case_type.kind(kind) is None:
        raise Refused(_("没有这个类别。"), status=422, code="invalid", at="kind")
    if not template.title or len(template.title) > 60:
        raise Refused(_("名称要写，最多 60 个字。"), status=422, code="invalid", at="title")
    if not template.text or len(template.text) > MOST_LETTERS:
        raise Refused(
            _("答复文本要写，最多 %(most)s 个字。") % {"most": MOST_LETTERS},
            status=422,
            code="invalid",
            at="text",
        )
