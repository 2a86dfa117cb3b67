"""Addresses of forecasts, alerts, orders and what becomes of them."""

from __future__ import annotations

from django.urls import path

from muheng.web.emergency.pages import alerts, episodes, forecasts, orders

PATHS = [
    path("", alerts.home, name="home"),
    path("mine/", orders.mine, name="mine"),
    path("checks/", orders.checks, name="checks"),
    path("forecasts/", forecasts.listing, name="forecasts"),
    path("forecasts/new/", forecasts.new, name="forecast-new"),
    path("forecasts/<int:number>/", forecasts.show, name="forecast"),
    path("forecasts/<int:number>/propose/", forecasts.propose, name="propose"),
    path("alerts/", alerts.listing, name="alerts"),
    path("alerts/<int:number>/", alerts.show, name="alert"),
    path("alerts/<int:number>/act/", alerts.act, name="alert-act"),
    path("alerts/<int:number>/live/", alerts.live, name="alert-live"),
    path("alerts/<int:number>/map.json", alerts.alert_map, name="alert-map"),
    path("alerts/<int:number>/orders/", orders.listing, name="orders"),
    path("alerts/<int:number>/roster.<str:kind>", orders.roster, name="roster"),
    path("alerts/<int:number>/report/", episodes.draft, name="report"),
    path("episodes/<int:number>/", episodes.show, name="episode"),
    path("episodes/<int:number>/report.<str:kind>", episodes.paper, name="episode-paper"),
    path("orders/<int:number>/", orders.show, name="order"),
    path("orders/<int:number>/act/", orders.act, name="order-act"),
    path("orders/<int:number>/<str:kind>.docx", orders.paper, name="order-paper"),
    path("orders/<int:number>/files/<int:file>/", orders.evidence, name="evidence"),
    path("orders/<int:number>/lines/<int:measure>/", orders.check, name="check"),
]
