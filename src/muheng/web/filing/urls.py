"""Addresses of filing."""

from __future__ import annotations

from django.urls import URLPattern

app_name = "filing"
urlpatterns: list[URLPattern] = []
