"""Addresses of lists and plans."""

from __future__ import annotations

from django.urls import path

from muheng.web.emergency.pages import firms, lists, plans

PATHS = [
    path("lists/", lists.listing, name="lists"),
    path("lists/new/", lists.new, name="list-new"),
    path("lists/template.xlsx", lists.template, name="list-template"),
    path("lists/<int:number>/", lists.show, name="list"),
    path("lists/<int:number>/firms/", lists.firms, name="list-firms"),
    path("lists/<int:number>/firms/<str:code>/", firms.show, name="list-firm"),
    path("lists/<int:number>/findings/", lists.findings, name="list-findings"),
    path("lists/<int:number>/changes/", lists.changes, name="list-changes"),
    path("lists/<int:number>/plans/", plans.of_list, name="list-plans"),
    path("lists/<int:number>/plans/new/", plans.new, name="plan-new"),
    path("lists/<int:number>/workbook.xlsx", lists.workbook, name="list-workbook"),
    path("lists/<int:number>/original/", lists.original, name="list-original"),
    path("lists/<int:number>/marked/", lists.marked, name="list-marked"),
    path("lists/<int:number>/force/", lists.put_in_force, name="list-force"),
    path("lists/<int:number>/remove/", lists.remove, name="list-remove"),
    path("plans/", plans.listing, name="plans"),
    path("plans/<int:number>/", plans.show, name="plan"),
    path("plans/<int:number>/lines/", plans.lines, name="plan-lines"),
    path("plans/<int:number>/why/", plans.why, name="plan-why"),
    path("plans/<int:number>/borne/", plans.borne, name="plan-borne"),
    path("plans/<int:number>/fairness/", plans.price_fairness, name="plan-fairness"),
    path("plans/<int:number>/map/", plans.map_page, name="plan-map"),
    path("plans/<int:number>/map.json", plans.map_data, name="plan-map-data"),
    path("plans/<int:number>/settings/", plans.settings_page, name="plan-settings"),
    path("plans/<int:number>/compare/", plans.compare, name="plan-compare"),
    path("plans/<int:number>/adopt/", plans.adopt, name="plan-adopt"),
    path("plans/<int:number>/withdraw/", plans.withdraw, name="plan-withdraw"),
    path("plans/<int:number>/workbook.xlsx", plans.workbook, name="plan-workbook"),
    path("plans/<int:number>/plan.csv", plans.table, name="plan-table"),
    path("mine/grade/", firms.own_grade, name="own-grade"),
    path("mine/why/", firms.own_why, name="own-why"),
]
