"""Addresses of amounts."""

from __future__ import annotations

from django.urls import path

from muheng.web.monitoring.pages import totals

PATHS = [
    path("totals/", totals.show, name="totals"),
    path("totals/year/", totals.year, name="totals-year"),
    path("totals/settle/", totals.settle, name="settle"),
]
