"""Every address of the site: each room's under its name, the programs' under /api/."""

from __future__ import annotations

from django.urls import include, path, re_path

from muheng.web.api import addresses, find_address
from muheng.web.pages import set_language

urlpatterns = [
    path("", include("muheng.web.home.urls")),
    path("people/", include("muheng.web.people.urls")),
    path("enterprises/", include("muheng.web.registry.urls")),
    path("notices/", include("muheng.web.notices.urls")),
    path("cases/", include("muheng.web.casework.urls")),
    path("liaison/", include("muheng.web.liaison.urls")),
    path("matching/", include("muheng.web.matching.urls")),
    path("intake/", include("muheng.web.intake.urls")),
    path("policies/", include("muheng.web.policy.urls")),
    path("evaluations/", include("muheng.web.evaluation.urls")),
    path("monitoring/", include("muheng.web.monitoring.urls")),
    path("emergency/", include("muheng.web.emergency.urls")),
    path("filing/", include("muheng.web.filing.urls")),
    path("jobs/", include("muheng.web.jobs.urls")),
    path("language/", set_language, name="language"),
    path("api/", addresses),
    re_path(r"^api/(?P<rest>.*)$", find_address),
]

handler404 = "muheng.web.pages.not_found"
handler403 = "muheng.web.pages.forbidden"
handler500 = "muheng.web.pages.broken"
