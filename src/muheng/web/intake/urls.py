"""Addresses of intake."""

from __future__ import annotations

from django.urls import path

from muheng.web.intake import pages

app_name = "intake"
urlpatterns = [
    path("", pages.list_batches, name="list"),
    path("new/", pages.new_batch, name="new"),
    path("<int:number>/", pages.show, name="show"),
    path("<int:number>/sheets/", pages.show_sheets, name="sheets"),
    path("<int:number>/sheets/<int:place>/", pages.fix_sheet, name="sheet"),
    path("<int:number>/problems/", pages.show_problems, name="problems"),
    path("<int:number>/changes/", pages.show_changes, name="changes"),
    path("<int:number>/accept/", pages.accept, name="accept"),
    path("<int:number>/abandon/", pages.decide, {"deed": "abandon"}, name="abandon"),
    path("<int:number>/undo/", pages.decide, {"deed": "undo"}, name="undo"),
    path("<int:number>/reread/", pages.decide, {"deed": "reread"}, name="reread"),
    path("<int:number>/forget/", pages.decide, {"deed": "forget"}, name="forget"),
    path("<int:number>/files/", pages.add_files, name="add"),
    path("<int:number>/files/<int:file>/remove/", pages.remove_file, name="remove"),
    path("<int:number>/files/<int:file>/original/", pages.original, name="original"),
    path("<int:number>/files/<int:file>/annotate/", pages.annotate, name="annotate"),
    path("<int:number>/files/<int:file>/annotated/", pages.annotated, name="annotated"),
]
