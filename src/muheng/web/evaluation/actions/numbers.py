"""The numbers of a simulation are kept: as a draft of a method of the place's own, or as a trial run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from muheng.documents.message import Refusal
from muheng.policy.copying import copy_text
from muheng.policy.rewriting import rewrite
from muheng.web.evaluation.actions.running import ask_trial
from muheng.web.evaluation.levers import read_changes
from muheng.web.evaluation.models import Run
from muheng.web.evaluation.queries.results import SeenRun
from muheng.web.people.models import User
from muheng.web.policy.actions import copy_policy, save_draft
from muheng.web.policy.models import PolicyVersion
from muheng.web.reading import language
from muheng.web.refusal import Refused, refused_by


@transaction.atomic
def keep_draft(actor: User, seen: SeenRun, asked: Mapping[str, Any], title: str) -> PolicyVersion:
    """A copy of the run's policy with these numbers, to be worked on further."""
    text, said = _changed_text(seen, asked)
    draft = copy_policy(seen.run.policy, actor, title=title)
    named = copy_text(text, draft.document.slug, draft.document.title)
    return save_draft(draft, actor, named, draft.sha256, note=said[:300])


def run_trial(actor: User, seen: SeenRun, asked: Mapping[str, Any], title: str) -> Run:
    """A trial of the evaluation with these numbers, kept and sealed like any other."""
    text, said = _changed_text(seen, asked)
    return ask_trial(
        actor,
        seen.run.evaluation,
        title or _("调整数字的试算"),
        policy=seen.run.policy,
        text=text,
        reason=said[:2000],
    )


def _changed_text(seen: SeenRun, asked: Mapping[str, Any]) -> tuple[str, str]:
    """The run's policy with the numbers asked for, and what was changed, in words."""
    text = seen.run.policy_text
    changes = read_changes(text, asked)
    if not changes:
        raise Refused(
            _("还没有改动任何数字。"), _("先移动一个滑块。"), status=422, code="invalid", at="changes"
        )
    try:
        return rewrite(text, changes), "；".join(map(str, changes))
    except Refusal as refusal:
        raise refused_by(refusal, language()) from refusal
