"""Addresses of what is seen live: the board, the map, points, capture rates, devices."""

from __future__ import annotations

from django.urls import path

from muheng.web.monitoring.pages import live

PATHS = [path("", live.home, name="home")]
