"""Addresses of lists and plans."""

from __future__ import annotations

from django.urls import URLPattern

PATHS: list[URLPattern] = []
