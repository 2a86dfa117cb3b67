"""home: the app's name."""

from __future__ import annotations

from django.apps import AppConfig


class HomeConfig(AppConfig):
    name = "muheng.web.home"
    label = "home"
    verbose_name = "首页"
