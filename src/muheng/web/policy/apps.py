"""policy: the app's name."""

from __future__ import annotations

from django.apps import AppConfig


class PolicyConfig(AppConfig):
    name = "muheng.web.policy"
    label = "policy"
    verbose_name = "评价办法"
