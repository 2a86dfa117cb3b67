"""Addresses of the monitoring room."""

from __future__ import annotations

from muheng.web.monitoring.pages import event_urls, live_urls, totals_urls

app_name = "monitoring"
urlpatterns = [*live_urls.PATHS, *event_urls.PATHS, *totals_urls.PATHS]
