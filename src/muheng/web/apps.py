"""The frame of the site as an app: its templates, its static files and its template tags."""

from __future__ import annotations

from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "muheng.web"
    label = "web"
    verbose_name = "亩衡"
