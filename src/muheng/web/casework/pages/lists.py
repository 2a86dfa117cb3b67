"""What pages of lists share: who they are for, and the part of an address that asks for a list."""

from __future__ import annotations

from django.http import QueryDict
from django.utils.translation import gettext as _

from muheng.web.people.models import User
from muheng.web.people.rights import posts_of
from muheng.web.refusal import Refused

_ASKED = (
    *("tab", "q", "type", "kind", "county", "office", "handler", "state", "phase", "overdue"),
    *("since", "until", "enterprise"),
)


def require_official(user: User) -> None:
    """Lists of the office are for people with a post. Raises Refused."""
    if not posts_of(user):
        raise Refused(_("这一页只给工作人员。"), status=403, code="forbidden")


def clean_query(text: str) -> str:
    """Of an address's question, what lists ask."""
    given = QueryDict(text[:2000])
    clean = QueryDict(mutable=True)
    for name in _ASKED:
        if value := given.get(name, "").strip()[:100]:
            clean[name] = value
    return clean.urlencode()[:1000]
