"""An opening that a program sent twice makes one case: it names the opening itself, and the name is kept for a month."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from muheng.web.casework.models import Case, OpeningKey
from muheng.web.casework.writing import deed
from muheng.web.people.models import User
from muheng.web.refusal import Refused

MOST_LETTERS = 80


@deed
def open_once(actor: User, key: str, sent: Any, opening: Callable[[], Case]) -> tuple[Case, bool]:
    """The case that was opened under this key, or that ``opening`` opens now; and whether it is new.

    ``sent`` is what was sent, as JSON: the same key with something else is refused.
    """
    if not key.strip():
        return opening(), True
    if len(key) > MOST_LETTERS:
        raise Refused(
            _("Idempotency-Key 最多 %(most)s 个字符。") % {"most": MOST_LETTERS},
            status=422,
            code="invalid",
            at="Idempotency-Key",
        )
    spelled = json.dumps(sent, ensure_ascii=False, sort_keys=True, default=str)
    digest = hashlib.sha256(spelled.encode()).hexdigest()
    # Nobody else opens a case meanwhile: the deed has the book.
    held = OpeningKey.objects.select_related("case").filter(user=actor, key=key).first()
    if held is not None:
        if held.digest != digest:
            raise Refused(
                _("这个 Idempotency-Key 已用于另一次登记：%(number)s。") % {"number": held.case.number},
                _("换一个键再发。"),
                status=422,
                code="key_used",
                at="Idempotency-Key",
            )
        return held.case, False
    case = opening()
    OpeningKey.objects.create(user=actor, key=key, digest=digest, case=case, at=timezone.now())
    return case, True
