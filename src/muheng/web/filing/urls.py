"""Addresses of filing."""

from __future__ import annotations

from django.urls import path

from muheng.web.filing import pages

app_name = "filing"
urlpatterns = [
    path("", pages.mine, name="mine"),
    path("review/", pages.review, name="review"),
    path("review/accept/", pages.accept_unflagged, name="accept_unflagged"),
    path("<str:code>/workbook/", pages.workbook, name="workbook"),
    path("<str:code>/upload/", pages.upload, name="upload"),
    path("<str:code>/<str:month>/", pages.month, name="month"),
    path("<str:code>/<str:month>/check/", pages.check, name="check"),
    path("<str:code>/<str:month>/decide/", pages.decide, name="decide"),
]
