"""Addresses of people."""

from __future__ import annotations

from django.urls import path

from muheng.web.people import pages

app_name = "people"
urlpatterns = [
    path("", pages.show_people, name="list"),
    path("login/", pages.Login.as_view(), name="login"),
    path("logout/", pages.Logout.as_view(), name="logout"),
    path("me/", pages.me, name="me"),
    path("me/tokens/", pages.make_token, name="make_token"),
    path("me/tokens/<int:number>/end/", pages.end_token, name="end_token"),
]
