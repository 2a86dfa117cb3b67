"""Addresses of events and what follows from them, of patrols, and of the enterprise's own pages."""

from __future__ import annotations

from django.urls import path

from muheng.web.monitoring.pages import events, evidence, own, patrols, proofs, suspicions

PATHS = [
    path("events/", events.listing, name="events"),
    path("events.csv", events.as_csv, name="events-csv"),
    path("events/verify/", events.verify_many, name="events-verify"),
    path("events/<str:number>/", events.show, name="event"),
    path("events/<str:number>/act/", events.act, name="event-act"),
    path("events/<str:number>/seal/", evidence.seal, name="evidence-seal"),
    path("evidence/<int:number>/", evidence.show, name="evidence"),
    path("evidence/<int:number>/download/", evidence.download, name="evidence-download"),
    path("suspicions/", suspicions.listing, name="suspicions"),
    path("suspicions/<int:number>/", suspicions.show, name="suspicion"),
    path("patrols/", patrols.listing, name="patrols"),
    path("patrols/draw/", patrols.draw, name="patrol-draw"),
    path("patrols/no-proof/", patrols.open_for_proof, name="patrol-no-proof"),
    path("patrols/rounds/<int:number>/", patrols.round_, name="patrol-round"),
    path("patrols/rounds/<int:number>/candidates.csv", patrols.candidates, name="patrol-candidates"),
    path("patrols/<int:number>/", patrols.show, name="patrol"),
    path("proofs/", proofs.listing, name="proofs"),
    path("proofs/<int:number>/", proofs.show, name="proof"),
    path("proofs/<int:number>/remark/", proofs.remark, name="proof-remark"),
    path("proofs/<int:number>/files/<int:stored>/", proofs.file, name="proof-file"),
    path("mine/", own.mine, name="mine"),
    path("mine/proof/", proofs.form, name="own-proof"),
    path("mine/points/<int:number>/", own.point, name="own-point"),
    path("mine/points/<int:number>/mark/", own.mark, name="own-mark"),
    path("marks/<int:number>/act/", own.mark_act, name="mark-act"),
    path("mine/events/<str:number>/", own.event, name="own-event"),
    path("mine/events/<str:number>/answer/", own.answer, name="own-answer"),
]
