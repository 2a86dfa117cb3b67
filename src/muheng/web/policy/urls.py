"""Addresses of policy."""

from __future__ import annotations

from django.urls import path

from muheng.web.policy import pages

app_name = "policy"
urlpatterns = [
    path("", pages.show_list, name="list"),
    path("compare/", pages.compare, name="compare"),
    path("<slug:slug>/", pages.show, name="show"),
    path("<slug:slug>/check/", pages.check, name="check"),
    path("<slug:slug>/retire/", pages.retire, name="retire"),
    path("<slug:slug>/<int:number>/", pages.show, name="show"),
    path("<slug:slug>/<int:number>/source/", pages.show_source, name="source"),
    path("<slug:slug>/<int:number>/file/", pages.download, name="download"),
    path("<slug:slug>/<int:number>/versions/", pages.show_versions, name="versions"),
    path("<slug:slug>/<int:number>/edit/", pages.edit, name="edit"),
    path("<slug:slug>/<int:number>/copy/", pages.copy, name="copy"),
    path("<slug:slug>/<int:number>/draft/", pages.start_draft, name="start_draft"),
    path("<slug:slug>/<int:number>/discard/", pages.discard, name="discard"),
]
