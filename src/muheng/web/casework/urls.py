"""Addresses of casework."""

from __future__ import annotations

from django.urls import path

from muheng.web.casework.pages import bulk, case, inbox, measures, mine, opening, papers, texts, together

app_name = "casework"
urlpatterns = [
    path("", inbox.inbox, name="inbox"),
    path("lists/", inbox.save_list, name="save-list"),
    path("lists/<int:number>/remove/", inbox.remove_list, name="remove-list"),
    path("exports/", inbox.export, name="export"),
    path("exports/<int:number>/", inbox.exported, name="exported"),
    path("texts/", texts.texts, name="texts"),
    path("texts/<int:number>/", texts.change, name="text"),
    path("texts/<int:number>/remove/", texts.remove, name="remove-text"),
    path("bulk/", bulk.bulk, name="bulk"),
    path("measures/", measures.figures, name="measures"),
    path("measures/figures.xlsx", measures.figures_xlsx, name="measures-xlsx"),
    path("measures/cases/", measures.measured, name="measured"),
    path("measures/ranking/", measures.ranking, name="ranking"),
    path("measures/ranking/ranking.xlsx", measures.ranking_xlsx, name="ranking-xlsx"),
    path("measures/papers/", papers.papers, name="papers"),
    path("measures/papers/<str:kind>/draft/", papers.draft, name="paper-draft"),
    path("measures/papers/<str:kind>/draft.docx", papers.look, name="paper-look"),
    path("measures/papers/<str:kind>/issue/", papers.issue, name="paper-issue"),
    path("measures/papers/<int:number>/", papers.issued, name="paper-issued"),
    path("measures/papers/<int:number>/file.<str:form>", papers.issued_file, name="paper-file"),
    path("mine/", mine.mine, name="mine"),
    path("mine/ask/", opening.ask, name="ask"),
    path("new/", opening.choose, name="choose"),
    path("new/enterprises/", opening.find_enterprises, name="enterprises"),
    path("new/<str:type_id>/", opening.open_case, name="open"),
    path("<str:number>/", case.show, name="show"),
    path("<str:number>/act/", case.act, name="act"),
    path("<str:number>/files/<int:file>/", case.file, name="file"),
    path("<str:number>/paper/", case.paper, name="paper"),
    path("<str:number>/merge/", together.merge, name="merge"),
    path("<str:number>/split/", together.split, name="split"),
    path("<str:number>/supervise/", together.supervise, name="supervise"),
]
