"""What waits for whom, and what an enterprise's file says of its monitoring."""

from __future__ import annotations

from django.test import Client

from web.monitoring.happenings import make_event, make_suspicion
from web.monitoring.works import Works


def test_what_waits(works: Works) -> None:
    from muheng.web.home.todo import list_todos
    from muheng.web.monitoring.actions.events import answer
    from muheng.web.monitoring.actions.patrols import open_patrol
    from muheng.web.monitoring.models import Patrol
    from muheng.web.people.models import User

    def titles(user: User) -> str:
        return "\n".join(each.title for each in list_todos(User.objects.get(pk=user.pk)))

    event = make_event(works)
    make_suspicion(works, strength="strong")
    assert "说明：熔炼炉排口 氮氧化物 超标" in titles(works.owner)
    assert "自证2026年11月19日" in titles(works.owner)
    assert "核实 1 个很明显的疑点" in titles(works.county_officer)
    assert "熔炼炉" not in titles(works.people.other_owner)
    answer(works.owner, event, cause="其他", note="已恢复")
    open_patrol(works.officer, works.stack, Patrol.Reason.SAMPLED)
    assert "核实 1 件监测事件的说明" in titles(works.officer)
    assert titles(works.officer).count("网上巡查") == 1  # a few stand there as the cases that they are
    assert "网上巡查" not in titles(works.county_officer)
    assert "说明：" not in titles(works.owner)
    make_event(works, tier="supervise")
    assert f"督办：{works.dry_stack.enterprise.name}" in titles(works.officer)


def test_the_file_of_an_enterprise(works: Works) -> None:
    event = make_event(works, tier="warn")
    code = works.dry_stack.enterprise.code
    for person, address in ((works.officer, "events"), (works.owner, "mine/events")):
        client = Client()
        client.force_login(person)
        page = client.get(f"/enterprises/{code}/").content.decode()
        assert "自动监控" in page
        line = client.get(f"/enterprises/{code}/history/").content.decode()
        assert f"/monitoring/{address}/{event.number}/" in line
