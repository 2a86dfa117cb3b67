"""Addresses of notices."""

from __future__ import annotations

from django.urls import path

from muheng.web.notices import pages

app_name = "notices"
urlpatterns = [
    path("", pages.list_notices, name="list"),
    path("read/", pages.read_all, name="read_all"),
    path("preferences/", pages.preferences, name="preferences"),
    path("channels/", pages.list_channels, name="channels"),
    path("channels/new/", pages.new_channel, name="new_channel"),
    path("channels/<int:number>/", pages.show_channel, name="channel"),
    path("channels/<int:number>/try/", pages.try_channel, name="try_channel"),
    path("channels/<int:number>/end/", pages.end_channel, name="end_channel"),
    path("channels/again/<int:number>/", pages.send_again, name="send_again"),
    path("<int:number>/", pages.open_notice, name="open"),
    path("<int:number>/read/", pages.read, name="read"),
]
