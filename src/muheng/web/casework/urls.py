"""Addresses of casework."""

from __future__ import annotations

from django.urls import path

from muheng.web.casework import pages

app_name = "casework"
urlpatterns = [
    path("", pages.inbox, name="inbox"),
    path("mine/", pages.mine, name="mine"),
    path("<str:number>/", pages.show, name="show"),
]
