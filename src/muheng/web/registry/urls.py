"""Addresses of registry. An enterprise's is its code, which is never shorter than eighteen letters."""

from __future__ import annotations

from django.urls import path, register_converter

from muheng.web.registry.pages import deeds, file, listing, maps


class Code:
    """A credit code in an address."""

    regex = "[0-9A-Za-z]{18}"

    def to_python(self, value: str) -> str:
        return value.upper()

    def to_url(self, value: str) -> str:
        return value


register_converter(Code, "code")

app_name = "registry"
urlpatterns = [
    path("", listing.show_list, name="list"),
    path("search/", listing.search_typed, name="search"),
    path("export/", listing.export, name="export"),
    path("export/<int:number>/", listing.exported, name="exported"),
    path("new/", deeds.register, name="register"),
    path("mine/", listing.mine, name="mine"),
    path("map/", maps.show_map, name="map"),
    path("map.json", maps.map_data, name="map_data"),
    path("<code:code>/", file.show, name="show"),
    path("<code:code>/years/", file.years, name="years"),
    path("<code:code>/months/", file.months, name="months"),
    path("<code:code>/land/", file.land, name="land"),
    path("<code:code>/plant/", file.plant, name="plant"),
    path("<code:code>/history/", file.history, name="history"),
    path("<code:code>/map.json", maps.own_map, name="own_map"),
    path("<code:code>/edit/", deeds.edit, name="edit"),
    path("<code:code>/merge/", deeds.merge_page, name="merge"),
    path("<code:code>/split/", deeds.split_page, name="split"),
    path("<code:code>/undo/<int:number>/", deeds.undo_page, name="undo"),
]
