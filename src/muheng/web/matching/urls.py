"""Addresses of matching."""

from __future__ import annotations

from django.urls import path

from muheng.web.matching.pages import gatherings, lending, needs, overview, suppliers

app_name = "matching"
urlpatterns = [
    path("", overview.home, name="home"),
    path("mine/", overview.mine, name="mine"),
    path("figures/", overview.show_figures, name="figures"),
    path("figures.xlsx", overview.download_figures, name="figures_workbook"),
    path("needs/", needs.listing, name="needs"),
    path("needs/new/", needs.new, name="new_need"),
    path("needs/from-case/<str:case_number>/", needs.from_case, name="need_from_case"),
    path("needs/<int:number>/", needs.show, name="need"),
    path("needs/<int:number>/edit/", needs.edit, name="edit_need"),
    path("needs/<int:number>/end/", needs.end, name="end_need"),
    path("needs/<int:number>/introduce/<int:offer>/", needs.introduce, name="introduce"),
    path("needs/<int:number>/ask/<int:offer>/", needs.ask, name="ask"),
    path("introductions/<int:number>/", needs.introduction, name="introduction"),
    path("offers/", suppliers.listing, name="offers"),
    path("offers/<int:number>/", suppliers.show, name="offer"),
    path("offers/<int:number>/edit/", suppliers.edit_offer, name="edit_offer"),
    path("offers/<int:number>/end/", suppliers.end_offer, name="end_offer"),
    path("suppliers/", suppliers.suppliers, name="suppliers"),
    path("suppliers/new/", suppliers.new_supplier, name="new_supplier"),
    path("suppliers/<int:number>/", suppliers.supplier, name="supplier"),
    path("suppliers/<int:number>/offers/new/", suppliers.new_offer, name="new_offer"),
    path("credits/", lending.listing, name="credits"),
    path("credits/new/", lending.new, name="new_credit"),
    path("credits/<int:number>/", lending.show, name="credit"),
    path("credits/<int:number>/lines/<int:line>/reverse/", lending.reverse_line, name="reverse_line"),
    path("credits/<int:number>/void/", lending.void, name="void_credit"),
    path("gatherings/", gatherings.listing, name="gatherings"),
    path("gatherings/new/", gatherings.new, name="new_gathering"),
    path("gatherings/<int:number>/", gatherings.show, name="gathering"),
    path("gatherings/<int:number>/edit/", gatherings.edit, name="edit_gathering"),
    path("gatherings/<int:number>/cancel/", gatherings.cancel, name="cancel_gathering"),
    path("gatherings/<int:number>/invite/", gatherings.invite, name="invite"),
    path("gatherings/<int:number>/sign/", gatherings.sign_in, name="sign_in"),
    path("gatherings/<int:number>/sign/<str:code>/", gatherings.sign_one, name="sign_one"),
    path("gatherings/<int:number>/hold/", gatherings.hold, name="hold_gathering"),
    path("gatherings/<int:number>/materials/", gatherings.hand_out, name="hand_out"),
]
