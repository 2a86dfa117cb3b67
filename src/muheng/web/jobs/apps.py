"""jobs: the app's name."""

from __future__ import annotations

from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "muheng.web.jobs"
    label = "jobs"
    verbose_name = "后台任务"
