"""Addresses of the emergency room."""

from __future__ import annotations

from muheng.web.emergency.pages import alert_urls, list_urls

app_name = "emergency"
urlpatterns = [*alert_urls.PATHS, *list_urls.PATHS]
