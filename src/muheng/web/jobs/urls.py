"""Addresses of background work."""

from __future__ import annotations

from django.urls import path

from muheng.web.jobs import pages

app_name = "jobs"
urlpatterns = [
    path("<int:number>/", pages.show, name="show"),
    path("<int:number>/cancel/", pages.cancel, name="cancel"),
]
