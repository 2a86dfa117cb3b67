"""A request as pages get it: from a person who has logged in, perhaps by htmx."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

if TYPE_CHECKING:
    # Rooms before people have pages too.
    from muheng.web.people.models import User


class Request(HttpRequest):
    """For annotations; middleware has put both there."""

    user: User
    htmx: HtmxDetails
