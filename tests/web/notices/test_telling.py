"""Telling: each person once, in their language; the same is not told twice while unread."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy
from hypothesis import given
from hypothesis import strategies as st

from muheng.web.jobs.models import Job
from muheng.web.notices.actions import clean, mark_all_read, mark_read, one_line, set_preference, tell
from muheng.web.notices.models import Notice
from muheng.web.refusal import Refused
from web.population import Population

pytestmark = pytest.mark.django_db


def say_it(*people: Any, key: str = "", **more: Any) -> int:
    return tell(
        people, "诉求交给了您", "请在三个工作日内受理。", "/casework/7/", room="casework", key=key, **more
    )


def test_each_person_is_told_once(city: Population) -> None:
    assert say_it(city.clerk, city.chief, city.clerk) == 2
    assert sorted(Notice.objects.values_list("person__username", flat=True)) == ["chief", "clerk"]
    notice = city.clerk.notices.get()
    assert (notice.subject_line, notice.href, notice.read_at) == ("诉求交给了您", "/casework/7/", None)


def test_who_has_no_account_any_more_is_not_told(city: Population) -> None:
    city.clerk.is_active = False
    assert say_it(city.clerk) == 0
    assert tell([], "甲", "", "/", room="casework") == 0


def test_the_same_is_not_told_twice_while_unread(city: Population) -> None:
    assert say_it(city.clerk, key="case-7") == 1
    assert say_it(city.clerk, city.chief, key="case-7") == 1, "only who has not been told"
    assert say_it(city.clerk, key="case-8") == 1
    mark_all_read(city.clerk)
    assert say_it(city.clerk, key="case-7") == 1, "what was read may be told again"
    assert say_it(city.clerk) == say_it(city.clerk) == 1, "without a key everything is told"


def test_the_database_itself_holds_one_unread_notice_of_a_key(city: Population) -> None:
    say_it(city.clerk, key="case-7")
    notice = city.clerk.notices.get()
    notice.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        notice.save()


def test_a_deed_that_fails_tells_nobody(city: Population) -> None:
    @transaction.atomic
    def fail() -> None:
        say_it(city.clerk)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert not Notice.objects.exists()


def test_each_reads_in_their_own_language(city: Population) -> None:
    set_preference(city.chief, "none", "en", "")
    subject = format_lazy("{}：7", gettext_lazy("没有找到。"))
    tell([city.clerk, city.chief], subject, gettext_lazy("必填"), "/", room="casework")
    assert city.clerk.notices.get().subject_line == "没有找到。：7"
    assert city.chief.notices.get().subject_line == "Not found.：7"


def test_links_lead_into_the_site(city: Population) -> None:
    for href in ("https://example.org/", "//example.org/", "javascript:alert(1)", "/\\example.org", ""):
        with pytest.raises(ValueError, match="not a path"):
            tell([city.clerk], "甲", "", href, room="casework")


def test_marking_touches_ones_own_only(city: Population) -> None:
    say_it(city.clerk, city.chief)
    theirs = city.chief.notices.get()
    assert mark_read(city.clerk, [theirs.pk]) == 0
    assert mark_read(city.chief, [theirs.pk]) == 1
    assert mark_read(city.chief, [theirs.pk]) == 0
    assert mark_all_read(city.clerk, room="filing") == 0
    assert mark_all_read(city.clerk, room="casework") == 1


def test_nothing_is_to_go_outside_where_no_mail_server_is_set(city: Population) -> None:
    set_preference(city.clerk, "at_once", "zh-hans", "clerk@example.cn")
    say_it(city.clerk)
    assert city.clerk.notices.get().mail_at is None
    assert not Job.objects.exists()


def test_when_a_mail_is_due(city: Population, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.MAILING = True
    # 9:30 in Shanghai: this morning's mail has gone.
    now = datetime(2026, 3, 9, 1, 30, tzinfo=UTC)
    monkeypatch.setattr(timezone, "now", lambda: now)
    for person, mail in ((city.clerk, "at_once"), (city.chief, "daily"), (city.leader, "none")):
        set_preference(person, mail, "zh-hans", f"{person.username}@example.cn")
    everybody = (city.clerk, city.chief, city.leader, city.county_clerk)

    def due(**more: Any) -> dict[str, datetime | None]:
        Notice.objects.all().delete()
        assert say_it(*everybody, **more) == 4
        return dict(Notice.objects.values_list("person__username", "mail_at"))

    tomorrow = datetime(2026, 3, 10, 0, 0, tzinfo=UTC)
    assert due() == {"clerk": now, "chief": tomorrow, "leader": None, "county_clerk": None}
    assert due(urgent=True) == {"clerk": now, "chief": now, "leader": None, "county_clerk": None}
    history = now - timedelta(days=200)
    assert set(due(at=history).values()) == {None}
    assert set(Notice.objects.values_list("at", flat=True)) == {history}
    # One job, however often something was told: it sees to what is due later.
    assert list(Job.objects.values_list("not_before", flat=True)) == [None]


def test_an_address_that_is_none_is_refused(city: Population) -> None:
    for address in ("clerk", "clerk@example.cn\nBcc: all@example.cn", "a b@example.cn"):
        with pytest.raises(Refused) as refused:
            set_preference(city.clerk, "daily", "zh-hans", address)
        assert refused.value.at == "email"
    with pytest.raises(Refused):
        set_preference(city.clerk, "weekly", "zh-hans", "")


@given(st.text())
def test_a_subject_is_one_printable_line(text: str) -> None:
    line = one_line(text, 50)
    assert len(line) <= 50
    assert len(line.splitlines()) <= 1
    assert one_line(line, 50) == line
    assert clean(clean(text)) == clean(text)
