"""A request as pages get it: from a person who has logged in, perhaps by htmx."""

from __future__ import annotations

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from muheng.web.people.models import User


class Request(HttpRequest):
    """For annotations; middleware has put both there."""

    user: User
    htmx: HtmxDetails
