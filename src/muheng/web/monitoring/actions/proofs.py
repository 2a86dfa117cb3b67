"""A day's proof of an enterprise: submitted once, never changed; what is to be said later is a remark beside it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from muheng.web.audit.actions import record
from muheng.web.files.attachments import Upload, keep_attachments
from muheng.web.monitoring.actions.events import clean_note
from muheng.web.monitoring.models import Proof, ProofRemark
from muheng.web.monitoring.queries.proofs import describe_day, due_of, is_over
from muheng.web.people.models import User
from muheng.web.refusal import Refused, invalid
from muheng.web.registry.models import Enterprise
from muheng.web.registry.queries import is_own
from muheng.web.templatetags.words import day as say_day

OLDEST = 31
"""So many days back a proof can still be given, late."""


@transaction.atomic
def submit_proof(
    actor: User,
    enterprise: Enterprise,
    day: date,
    *,
    complied: bool | None,
    statement: str = "",
    ledger: str = "",
    said: Mapping[int, str] | None = None,
    uploads: Sequence[Upload] = (),
    at: datetime | None = None,
) -> Proof:
    """The enterprise declares whether it complied, beside what the data say. ``said``: by point. Raises Refused."""
    if not is_own(actor, enterprise):
        raise _not_found()
    now = at or timezone.now()
    today = timezone.localdate(now)
    if day >= today:
        raise invalid(_("这一天还没有过完。"), "day")
    if day < today - timedelta(days=OLDEST):
        raise invalid(_("只能补报最近 %(days)s 天。") % {"days": OLDEST}, "day")
    points = describe_day(enterprise, day)
    if not points:
        raise invalid(_("这一天没有监控的点位，不用自证。"), "day")
    if complied is None:
        raise invalid(_("请选这一天是否达标。"), "complied")
    words = clean_note(statement)
    if not words and (not complied or is_over(points)):
        raise invalid(
            _("数据有超标，或者申报没有达标，请写明情况。"), "statement", _("写清时段、原因、怎样处理的。")
        )
    notes = {str(number): text for number, raw in (said or {}).items() if (text := clean_note(raw)[:500])}
    known = {str(each["point"]) for each in points}
    files = keep_attachments(actor, uploads)
    content = {
        "enterprise": enterprise.code,
        "day": day.isoformat(),
        "points": points,
        "complied": complied,
        "statement": words,
        "ledger": clean_note(ledger),
        "said": {number: text for number, text in notes.items() if number in known},
        "files": [{"name": each.name, "sha256": each.sha256, "size": each.size} for each in files],
        "by": actor.name,
        "at": now.isoformat(),
    }
    proof = Proof(
        enterprise=enterprise,
        day=day,
        content=content,
        digest=digest_of(content),
        statement=words,
        complied=complied,
        by=actor,
        at=now,
    )
    try:
        with transaction.atomic():
            proof.save()
    except IntegrityError as error:
        raise Refused(
            _("%(day)s的自证已经提交。") % {"day": say_day(day)},
            _("提交后不能改，要补充的请写补充说明。"),
            code="conflict",
        ) from error
    proof.files.set(files)
    late = now > due_of(day)
    record(actor, "monitoring.prove", enterprise, day=day, complied=complied, digest=proof.digest, late=late)
    return proof


@transaction.atomic
def add_remark(actor: User, proof: Proof, text: str, *, at: datetime | None = None) -> ProofRemark:
    """What is to be added or corrected later. Raises Refused."""
    if not is_own(actor, proof.enterprise):
        raise _not_found()
    said = clean_note(text)
    if not said:
        raise invalid(_("请写补充说明。"), "text")
    made = ProofRemark.objects.create(proof=proof, text=said, by=actor, at=at or timezone.now())
    record(actor, "monitoring.remark_proof", proof.enterprise, day=proof.day)
    return made


def digest_of(content: Mapping[str, Any]) -> str:
    """SHA-256 of a proof's content in one fixed spelling."""
    spelled = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(spelled.encode()).hexdigest()


def is_untouched(proof: Proof) -> bool:
    """Whether a proof still says what was submitted."""
    return digest_of(proof.content) == proof.digest


def _not_found() -> Refused:
    return Refused(_("没有这家企业，或者不归您管。"), status=404, code="not_found")
