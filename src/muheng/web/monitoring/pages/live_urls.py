"""Addresses of what is seen live: the board, the map, points, capture rates, devices."""

from __future__ import annotations

from django.urls import path

from muheng.web.monitoring.pages import capture, devices, live, points

PATHS = [
    path("", live.home, name="home"),
    path("map/", live.on_map, name="map"),
    path("map.json", live.map_data, name="map-data"),
    path("points/<int:number>/", points.show, name="point"),
    path("points/<int:number>/series.json", points.series, name="point-series"),
    path("points/<int:number>/values.csv", points.values, name="point-values"),
    path("points/<int:number>/asks/", points.ask, name="asks"),
    path("points/<int:number>/edit/", devices.edit, name="point-edit"),
    path("capture/", capture.show, name="capture"),
    path("capture.xlsx", capture.workbook, name="capture-workbook"),
    path("devices/", devices.listing, name="devices"),
    path("devices/unwatched/", devices.unwatched, name="unwatched"),
    path("devices/import/", devices.imported, name="device-add"),
    path("devices/import/template.xlsx", devices.template, name="device-template"),
    path("devices/quarantine/", devices.quarantine, name="quarantine"),
    path("devices/quarantine/admit/", devices.admit, name="admit"),
]
