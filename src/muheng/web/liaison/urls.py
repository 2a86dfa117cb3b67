"""Addresses of liaison."""

from __future__ import annotations

from django.urls import path

from muheng.web.liaison.pages import arrange, lists, visit, week

app_name = "liaison"
urlpatterns = [
    path("", lists.home, name="home"),
    path("all/", lists.list_pairings, name="list"),
    path("overdue/", lists.overdue, name="overdue"),
    path("found/", lists.found, name="found"),
    path("arrange/", arrange.arrange, name="arrange"),
    path("arrange/map.json", arrange.arrange_map, name="arrange-map"),
    path("week/", week.mine, name="week"),
    path("week/map.json", week.week_map, name="week-map"),
    path("weeks/", week.everybody, name="weeks"),
    path("visit/", visit.visit, name="visit"),
    path("visit/ready/", visit.ready, name="visit-ready"),
    path("worker.js", visit.worker, name="worker"),
    path("<str:code>/", lists.account, name="account"),
    path("<str:code>/officer/", lists.arrange_one, name="officer"),
]
