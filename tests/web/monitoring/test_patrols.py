"""Patrols: drawn so that anybody can draw again, one case each, and what is found goes on."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.test import Client

from web.monitoring.happenings import make_event, make_suspicion
from web.monitoring.works import NOW, Works

NORMAL = {"data": "正常", "video": "正常", "power": "未查看", "dcs": "未查看", "ledger": "正常"}
ODD = NORMAL | {"power": "异常"}


def enter(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_a_round_is_drawn_by_its_seed(works: Works) -> None:
    from muheng.web.casework.models import Case
    from muheng.web.monitoring.actions.patrols import draw_round
    from muheng.web.monitoring.queries.patrols import draw_again, list_chances, next_seed, office_of_person

    make_suspicion(works)
    make_event(works)
    office = office_of_person(works.officer)
    assert office is not None
    chances = {each.point.pk: each for each in list_chances(works.officer, NOW)}
    assert chances[works.stack.pk].suspicions == 1
    assert chances[works.dry_stack.pk].events == 1
    assert chances[works.stack.pk].weight == 1 + 4 + 6 * 2
    seed = next_seed(office)
    assert seed == next_seed(office)
    made = draw_round(works.officer, "第一轮", 2, [works.officer])
    assert made.seed == seed != next_seed(office)
    assert draw_again(made) == made.drawn["picked"]
    assert len(made.drawn["candidates"]) == 3
    cases = Case.objects.filter(type="patrol")
    assert cases.count() == 2
    case = cases[0]
    assert (case.handler, case.organisation, case.due) == (works.officer, office, date(2026, 11, 25))
    assert not case.shown_to_enterprise
    assert [each.point.pk for each in list_chances(works.officer, NOW)] == [
        each for each in chances if each not in made.drawn["picked"]
    ]
    made.drawn["candidates"][0]["weight"] += 7
    made.drawn["picked"] = list(reversed(made.drawn["picked"]))
    assert draw_again(made) != made.drawn["picked"]


def test_what_is_found(works: Works) -> None:
    from muheng.web.casework.models import Case
    from muheng.web.monitoring.actions.patrols import finish_patrol, open_patrol
    from muheng.web.monitoring.models import Patrol
    from muheng.web.refusal import Refused

    event = make_event(works)
    officer = works.county_officer
    patrol = open_patrol(officer, event.point, Patrol.Reason.EVENT, event=event, note="看喷氨")
    with pytest.raises(Refused, match="正在巡查"):
        open_patrol(officer, event.point, Patrol.Reason.EVENT, event=event)
    for looked, normal, at in (
        (NORMAL | {"data": ""}, True, "data"),
        (dict.fromkeys(NORMAL, "未查看"), True, "data"),
        (ODD, True, "normal"),
        (NORMAL, False, "normal"),
        (ODD, False, "note"),
    ):
        with pytest.raises(Refused) as refused:
            finish_patrol(officer, patrol, looked, normal=normal)
        assert refused.value.at == at
    with pytest.raises(Refused):
        finish_patrol(works.owner, patrol, NORMAL, normal=True)
    finish_patrol(officer, patrol, ODD, normal=False, note="风机停了，数据仍在变", follow_up="field_check")
    assert (patrol.finding, patrol.done_at) == ("abnormal", NOW)
    assert Case.objects.get(type="field_check").parent == patrol.case
    step = event.steps.get(kind="patrolled")
    assert step.detail["finding"] == "abnormal"
    again = open_patrol(officer, works.stack, Patrol.Reason.SAMPLED)
    finish_patrol(officer, again, NORMAL, normal=True)
    assert Patrol.objects.get(pk=again.pk).finding == "normal"


def test_a_patrol_ended_on_its_case_is_ended(works: Works) -> None:
    from muheng.web.casework.actions import act
    from muheng.web.monitoring.actions.patrols import open_patrol
    from muheng.web.monitoring.models import Patrol

    patrol = open_patrol(works.officer, works.water, Patrol.Reason.SAMPLED)
    assert patrol.case is not None
    act(works.officer, patrol.case, "find_normal", fields=NORMAL)
    assert Patrol.objects.get().finding == "normal"


def test_the_pages(works: Works) -> None:
    from muheng.web.monitoring.models import Patrol, PatrolRound

    officer = enter(works.officer)
    form = officer.get("/monitoring/patrols/draw/").content.decode()
    typed = {"title": "十一月第一轮", "count": "3", "officers": []}
    refused = officer.post("/monitoring/patrols/draw/", typed)
    assert refused.status_code == 422
    assert "十一月第一轮" in refused.content.decode()
    officer.post("/monitoring/patrols/draw/", typed | {"officers": [str(works.officer.pk)]})
    made = PatrolRound.objects.get()
    assert made.seed in form
    shown = officer.get(f"/monitoring/patrols/rounds/{made.pk}/").content.decode()
    assert "结果一样" in shown
    listed = officer.get(f"/monitoring/patrols/rounds/{made.pk}/candidates.csv").content.decode()
    assert len(listed.strip().splitlines()) == 4
    patrol = Patrol.objects.get(point=works.water)
    address = f"/monitoring/patrols/{patrol.pk}/"
    typed = NORMAL | {"normal": "no", "note": "曲线和用电不符"}
    refused = officer.post(address, typed)
    assert refused.status_code == 422
    assert "曲线和用电不符" in refused.content.decode()
    officer.post(address, ODD | {"normal": "no", "note": "曲线和用电不符", "follow_up": "alert"})
    page = officer.get(address).content.decode()
    assert "发现异常" in page
    assert "BJ-2026-000001" in page
    for only in ("", "?only=mine", "?only=done", "?only=abnormal"):
        assert officer.get(f"/monitoring/patrols/{only}").status_code == 200
    county = enter(works.county_officer)
    assert county.get(address).status_code == 404
    assert county.get(f"/monitoring/patrols/rounds/{made.pk}/").status_code == 200
    assert enter(works.owner).get("/monitoring/patrols/").status_code == 403
