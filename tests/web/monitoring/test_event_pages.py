"""Every page of events, patrols, suspicions, proofs and evidence: who sees it, who does not, what it says."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client

from web.monitoring.happenings import make_event, make_suspicion
from web.monitoring.works import NOW, Works

CAUSE, SAID = "治理设施故障", "喷氨泵跳闸，已换备用泵。"


def enter(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_the_inbox(works: Works) -> None:
    from muheng.web.monitoring.models import Event

    event = make_event(works)
    other = make_event(works, point=works.water, factor="w01018", tier="supervise", due_at=NOW)
    Event.objects.filter(pk=other.pk).update(due_at=NOW - timedelta(hours=1), due_until="closed")
    officer = enter(works.officer)
    page = officer.get("/monitoring/events/").content.decode()
    assert page.index(other.number) < page.index(event.number)  # the gravest first
    assert "熔炼炉排口" in page
    for query, first, second in (
        ("?tier=supervise", False, True),
        ("?late=1", False, True),
        ("?factor=a21002", True, False),
        (f"?county={works.people.counties[1].pk}", False, True),
        ("?state=answered", False, False),
        ("?state=closed&late=x&county=y&point=z", False, False),
        ("?q=熔炼炉", True, False),
        (f"?point={works.water.pk}", False, True),
    ):
        found = officer.get(f"/monitoring/events/{query}").content.decode()
        assert (f"/events/{event.number}/" in found, f"/events/{other.number}/" in found) == (
            first,
            second,
        ), query
    mine = enter(works.county_officer).get("/monitoring/events/").content.decode()
    assert event.number in mine
    assert other.number not in mine
    listed = officer.get("/monitoring/events.csv").content.decode()
    assert listed.startswith("\ufeff编号")
    assert event.number in listed
    assert enter(works.owner).get("/monitoring/events/").status_code == 403


def test_the_six_steps_on_one_page(works: Works) -> None:
    event = make_event(works)
    address = f"/monitoring/events/{event.number}/"
    officer = enter(works.officer)
    page = officer.get(address).content.decode()
    for title in ("企业自证", "在线监控", "网上巡查", "反馈处置", "锁定证据", "现场查处"):
        assert f" {title}</h2>" in page, title
    assert "没有自证" in page
    assert "连续 1 小时超过限值" in page
    assert "event-chart" in page
    assert "等企业说明" in page
    assert enter(works.people.data_clerk).get(address).status_code == 403
    water = make_event(works, point=works.water, factor="w01018")
    assert enter(works.county_officer).get(f"/monitoring/events/{water.number}/").status_code == 404
    # What is typed stays where it cannot be done.
    refused = officer.post(f"{address}act/", {"deed": "dismiss", "note": " "})
    assert refused.status_code == 422
    assert "请写明理由" in refused.content.decode()
    gone = officer.post(f"{address}act/", {"deed": "field", "note": "连续超标", "seen": "1"})
    assert gone["Location"] == address
    page = officer.get(address).content.decode()
    assert "XX-2026-000001" in page
    assert "连续超标" in page
    own = enter(works.owner).get(f"/monitoring/mine/events/{event.number}/").content.decode()
    assert "已转现场查处" in own
    assert "连续超标" not in own  # what will be looked at is not told before
    english = Client(headers={"accept-language": "en"})
    english.force_login(works.officer)
    english.cookies["django_language"] = "en"
    assert "Nitrogen oxides" in english.get(address).content.decode()


def test_an_enterprise_answers_on_its_own_page(works: Works) -> None:
    from muheng.web.monitoring.models import Mark

    event = make_event(works)
    owner = enter(works.owner)
    mine = owner.get("/monitoring/mine/").content.decode()
    assert f"/monitoring/mine/events/{event.number}/" in mine
    address = f"/monitoring/mine/events/{event.number}/"
    assert "网上巡查" not in owner.get(address).content.decode()
    typed = {"cause": CAUSE, "note": SAID, "mark": "plant_failure", "begin": "x", "end": ""}
    refused = owner.post(f"{address}answer/", typed)
    assert refused.status_code == 422
    assert SAID in refused.content.decode()
    typed |= {"begin": "2026-11-19T14:00", "end": "2026-11-19T19:00", "seen": "1"}
    assert owner.post(f"{address}answer/", typed)["Location"] == address
    event.refresh_from_db()
    assert event.state == "answered"
    assert Mark.objects.get().mark == "plant_failure"
    assert SAID in owner.get(address).content.decode()
    assert SAID in enter(works.officer).get(f"/monitoring/events/{event.number}/").content.decode()
    for path in (address, f"/monitoring/mine/points/{works.stack.pk}/"):
        assert enter(works.people.other_owner).get(path).status_code == 404
    assert enter(works.officer).get(address).status_code == 403


def test_reminders_verified_together(works: Works) -> None:
    from muheng.web.monitoring.actions.events import answer
    from muheng.web.monitoring.models import Event

    events = [make_event(works) for _ in range(2)]
    answer(works.owner, events[0], cause=CAUSE, note=SAID)
    officer = enter(works.officer)
    chosen = {"event": [each.number for each in events]}
    preview = officer.post("/monitoring/events/verify/", chosen).content.decode()
    assert SAID in preview
    assert "另有 1 件不能一起核实" in preview
    nothing = officer.post("/monitoring/events/verify/", chosen | {"deed": "verify", "conclusion": ""})
    assert nothing.status_code == 422
    officer.post("/monitoring/events/verify/", chosen | {"deed": "verify", "conclusion": "已恢复正常"})
    assert [each.state for each in Event.objects.order_by("pk")] == ["closed", "open"]


def test_marks_on_the_own_page(works: Works) -> None:
    from muheng.web.monitoring.models import Mark

    owner = enter(works.owner)
    address = f"/monitoring/mine/points/{works.stack.pk}/"
    page = owner.get(address).content.decode()
    assert "还剩 200 小时" in page
    assert "data-series" in page
    late = {"mark": "starting", "begin": "2026-11-19T01:10", "end": "2026-11-19T03:20", "mark-note": "点火"}
    assert owner.post(f"{address}mark/", late).status_code == 302
    page = owner.get(address).content.decode()
    assert "事后标记" in page
    assert "还剩 197 小时" in page  # every hour that is touched
    mark = Mark.objects.get()
    assert owner.post(f"/monitoring/marks/{mark.pk}/act/", {"deed": "withdraw"}).status_code == 422
    owner.post(f"/monitoring/marks/{mark.pk}/act/", {"deed": "withdraw", "note": "点错了"})
    assert "还剩 200 小时" in owner.get(address).content.decode()
    assert enter(works.people.other_owner).post(f"{address}mark/", late).status_code == 404
    assert enter(works.people.other_owner).post(f"/monitoring/marks/{mark.pk}/act/").status_code in (403, 404)


def test_suspicions(works: Works) -> None:
    from muheng.web.casework.models import Case
    from muheng.web.monitoring.models import Suspicion

    suspicion = make_suspicion(works)
    officer = enter(works.county_officer)
    assert "连续 12 小时都是 31.2" in officer.get("/monitoring/suspicions/?kind=flat&q=1号").content.decode()
    address = f"/monitoring/suspicions/{suspicion.pk}/"
    page = officer.get(address).content.decode()
    assert "浓度低于检出限" in page  # an innocent cause
    assert officer.post(address, {"deed": "judge", "state": "confirmed"}).status_code == 422
    officer.post(address, {"deed": "judge", "state": "explained", "note": "工况很稳"})
    officer.post(address, {"deed": "judge", "state": "confirmed", "note": "数采仪参数被改"})
    suspicion.refresh_from_db()
    assert (suspicion.state, suspicion.looked_by) == (Suspicion.State.CONFIRMED, works.county_officer)
    check = Case.objects.get(type="field_check")
    assert check.kind == "falsified"
    assert check.number in officer.get(address).content.decode()
    assert officer.post(address, {"deed": "judge", "state": "explained", "note": "又好了"}).status_code == 409
    assert enter(works.owner).get(address).status_code == 403
    other = make_suspicion(works, point=works.water)
    assert officer.get(f"/monitoring/suspicions/{other.pk}/").status_code == 404


@pytest.mark.parametrize("day", ["", "?day=2026-11-18", "?day=x&only=missing"])
def test_who_gave_a_proof(works: Works, day: str) -> None:
    from muheng.web.monitoring.actions.proofs import submit_proof
    from muheng.web.monitoring.models import Patrol

    enterprise = works.people.enterprises[0]
    submit_proof(works.owner, enterprise, date(2026, 11, 19), complied=False, statement="喷氨泵跳闸")
    officer = enter(works.officer)
    page = officer.get(f"/monitoring/proofs/{day}").content.decode()
    assert works.people.enterprises[-1].name in page
    assert ("申报没有达标" in page) == (day == "")
    officer.post("/monitoring/patrols/no-proof/", {"enterprise": works.people.enterprises[-1].code})
    assert Patrol.objects.get().reason == "no_proof"


def test_what_is_sought_in_the_field_stays_among_officials(works: Works) -> None:
    from muheng.web.monitoring.actions.events import send_to_field
    from muheng.web.notices.models import Notice

    event = make_event(works)
    words = "先看旁路阀门的铅封"
    send_to_field(works.officer, event, note=words)
    event.refresh_from_db()
    assert event.case is not None
    case = f"/cases/{event.case.number}/"
    assert words in enter(works.officer).get(case).content.decode()
    for address in (case, f"/monitoring/mine/events/{event.number}/"):
        shown = enter(works.owner).get(address).content.decode()
        assert words not in shown
        assert "现场查处" in shown
    told = Notice.objects.filter(person=works.owner)
    assert any("现场查处" in each.subject_line for each in told)
    assert not any(words in each.text for each in told)
