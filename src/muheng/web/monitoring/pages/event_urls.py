"""Addresses of events and what follows from them, of patrols, and of the enterprise's own pages."""

from __future__ import annotations

from django.urls import path

from muheng.web.monitoring.pages import own

PATHS = [path("mine/", own.mine, name="mine")]
