"""The address of the first page."""

from __future__ import annotations

from django.urls import path

from muheng.web.home import pages

app_name = "home"
urlpatterns = [path("", pages.home, name="home")]
