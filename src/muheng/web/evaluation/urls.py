"""Addresses of evaluation: the procedure, and the results of its runs."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from muheng.web.evaluation import results_urls
from muheng.web.evaluation.pages import confirmation, objections, procedure, publicity

app_name = "evaluation"
urlpatterns: list[URLPattern | URLResolver] = [
    path("", procedure.list_all, name="list"),
    path("new/", procedure.open_new, name="new"),
    path("sheets/", confirmation.my_sheets, name="my_sheets"),
    path("public/", publicity.public_index, name="public_index"),
    path("public/<int:number>/", publicity.public, name="public"),
    path("objections/<int:number>/", objections.objection, name="objection"),
    path("objections/<int:number>/files/<int:file>/", objections.evidence, name="evidence"),
    path("<int:number>/", procedure.show_one, name="show"),
    path("<int:number>/roster/", procedure.roster, name="roster"),
    path("<int:number>/confirmation/", confirmation.confirmation, name="confirmation"),
    path("<int:number>/confirmation/print/", confirmation.print_sheets, name="print_sheets"),
    path("<int:number>/sheets/<str:code>/", confirmation.sheet, name="sheet"),
    path("<int:number>/sheets/<str:code>/object/", objections.object_to_mine, name="object"),
    path("<int:number>/trials/", procedure.trials, name="trials"),
    path("<int:number>/review/", procedure.review, name="review"),
    path("<int:number>/publicity/", publicity.publicity, name="publicity"),
    path("<int:number>/publicity/print/", publicity.publicity_print, name="publicity_print"),
    path("<int:number>/publicity/list.xlsx", publicity.publicity_xlsx, name="publicity_xlsx"),
    path("<int:number>/objections/", objections.objections, name="objections"),
    path("<int:number>/final/", procedure.final, name="final"),
    path("<int:number>/runs/<int:run>/bundle.zip", procedure.bundle, name="bundle"),
    *results_urls.urlpatterns,
]
