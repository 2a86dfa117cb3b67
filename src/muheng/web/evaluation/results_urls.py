"""Addresses of results, within those of evaluation."""

from __future__ import annotations

from django.urls import path

from muheng.web.evaluation.pages import enterprise, maps, moves, results, simulation, table

RUN = "<int:evaluation>/runs/<int:number>/"

urlpatterns = [
    path(RUN, results.overview, name="run"),
    path(f"{RUN}table/", table.table, name="run-table"),
    path(f"{RUN}table/save/", table.save_filter, name="run-save-filter"),
    path(f"{RUN}table/drop/<int:saved>/", table.drop_filter, name="run-drop-filter"),
    path(f"{RUN}export/", table.ask_export, name="run-ask-export"),
    path(f"{RUN}export/<int:job>/", table.export, name="run-export"),
    path(f"{RUN}export/<int:job>/file/", table.export_file, name="run-export-file"),
    path(f"{RUN}cuts/", results.cuts, name="run-cuts"),
    path(f"{RUN}moves/", moves.moves, name="run-moves"),
    path(f"{RUN}moves/compare/", moves.ask_compare, name="run-compare"),
    path(f"{RUN}groups/", results.groups, name="run-groups"),
    path(f"{RUN}map/", maps.page, name="run-map"),
    path(f"{RUN}map.json", maps.data, name="run-map-data"),
    path(f"{RUN}policy/", results.policy_text, name="run-policy"),
    path(f"{RUN}enterprises/<str:code>/", enterprise.enterprise, name="run-enterprise"),
    path(f"{RUN}enterprises/<str:code>/advice/", enterprise.advice, name="run-advice"),
    path(f"{RUN}simulation/", simulation.page, name="simulation"),
    path(f"{RUN}simulation/now/", simulation.simulate_now, name="simulate"),
    path(f"{RUN}simulation/draft/", simulation.keep_draft, name="simulation-draft"),
    path(f"{RUN}simulation/trial/", simulation.run_trial, name="simulation-trial"),
    path("mine/", enterprise.mine, name="mine"),
    path("mine/<int:evaluation>/<str:code>/advice/", enterprise.mine_advice, name="mine-advice"),
]
