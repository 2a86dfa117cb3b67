"""Addresses of forecasts, alerts, orders and what becomes of them."""

from __future__ import annotations

from django.urls import path

from muheng.web.emergency.pages import alerts

PATHS = [
    path("", alerts.home, name="home"),
    path("mine/", alerts.mine, name="mine"),
]
