"""notices: the app's name."""

from __future__ import annotations

from django.apps import AppConfig


class NoticesConfig(AppConfig):
    name = "muheng.web.notices"
    label = "notices"
    verbose_name = "通知"
