"""The list, the bell, preferences and the API: one's own notices and nobody else's."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from muheng.web.notices.actions import mark_all_read, set_preference, tell
from muheng.web.notices.models import Notice, Preference
from muheng.web.notices.queries import count_unread
from muheng.web.people.actions import make_token
from web.population import Population

pytestmark = pytest.mark.django_db


@pytest.fixture
def clerk(city: Population) -> Client:
    client = Client()
    client.force_login(city.clerk)
    return client


def told(person: Any, number: int = 1, room: str = "casework", **more: Any) -> Notice:
    tell([person], f"第{number}件事", "请看一看。", f"/people/me/?n={number}", room=room, **more)
    return Notice.objects.filter(person=person).latest("pk")


def read(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, answer.content.decode()
    return answer.content.decode()


def test_unread_comes_first_and_opening_reads(city: Population, clerk: Client) -> None:
    old, new = told(city.clerk, 1), told(city.clerk, 2)
    mark_all_read(city.clerk)
    newest = told(city.clerk, 3)
    page = read(clerk, "/notices/")
    assert page.index("第3件事") < min(page.index("第1件事"), page.index("第2件事"))
    assert "1 条未读" in page
    assert "第1件事" not in read(clerk, "/notices/?unread=1")
    answer = clerk.get(f"/notices/{newest.pk}/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/people/me/?n=3")
    newest.refresh_from_db()
    assert newest.read_at is not None
    assert "都看过了" in read(clerk, "/notices/")
    assert {old.pk, new.pk} < set(Notice.objects.values_list("pk", flat=True))


def test_rooms_filter(city: Population, clerk: Client) -> None:
    told(city.clerk, 1)
    told(city.clerk, 2, room="filing")
    page = read(clerk, "/notices/?room=filing")
    assert "第2件事" in page
    assert "第1件事" not in page
    assert "月度填报（1）" in page
    answer = clerk.post("/notices/read/", {"room": "filing", "query": "room=filing&"})
    assert answer.headers["Location"] == "/notices/?room=filing&"
    assert count_unread(city.clerk) == 1
    clerk.post("/notices/read/")
    assert count_unread(city.clerk) == 0


def test_the_way_back_stays_in_the_list(city: Population, clerk: Client) -> None:
    notice = told(city.clerk)
    for query in ("//example.org", "a\r\nSet-Cookie: x=1", "x" * 500):
        answer = clerk.post(f"/notices/{notice.pk}/read/", {"query": query})
        assert answer.headers["Location"].startswith("/notices/")
        assert "Set-Cookie: x" not in str(answer.headers)


def test_what_others_are_told_is_not_there(city: Population, clerk: Client) -> None:
    theirs = told(city.chief)
    assert "第1件事" not in read(clerk, "/notices/")
    assert clerk.get(f"/notices/{theirs.pk}/").status_code == 404
    assert clerk.post(f"/notices/{theirs.pk}/read/").status_code == 404
    key = make_token(city.clerk, "test")
    program = Client(headers={"Authorization": f"Bearer {key}"})
    assert program.get("/api/notices/").json()["count"] == 0
    assert program.post(f"/api/notices/{theirs.pk}/read").status_code == 404
    assert program.post("/api/notices/read", {}, content_type="application/json").json() == {"marked": 0}
    theirs.refresh_from_db()
    assert theirs.read_at is None


def test_the_bell_is_one_cheap_question(city: Population, clerk: Client) -> None:
    assert "条未读" not in read(clerk, "/people/me/")
    for number in range(3):
        told(city.clerk, number)
    with CaptureQueriesContext(connection) as asked:
        page = read(clerk, "/people/me/")
    assert '<span class="tag warn">3</span>' in page
    (question,) = [each["sql"] for each in asked if "notices_notice" in each["sql"]]
    assert "ORDER BY" not in question, "nothing is sorted to be counted"
    with CaptureQueriesContext(connection) as asked:
        Client().get("/people/login/")
    assert not [each for each in asked if "notices_" in each["sql"]]


def test_the_bell_counts_no_further_than_it_shows(city: Population, clerk: Client) -> None:
    notice = told(city.clerk)
    Notice.objects.bulk_create(
        Notice(person=city.clerk, subject_line="甲", href="/", room="casework", at=notice.at)
        for _ in range(150)
    )
    assert count_unread(city.clerk) == 100
    assert '<span class="tag warn">99+</span>' in read(clerk, "/people/me/")


def test_text_is_text(city: Population, clerk: Client) -> None:
    tell([city.clerk], "<b>粗</b>", "<script>alert(1)</script>\n第二行", "/", room="casework")
    page = read(clerk, "/notices/")
    assert "&lt;b&gt;粗" in page
    assert "<script>alert" not in page
    assert "第二行" in page


def test_preferences_keep_what_was_typed(city: Population, clerk: Client) -> None:
    assert "现在不发邮件" in read(clerk, "/notices/preferences/")
    wrong = {"email": "clerk@", "mail": "at_once", "language": "en"}
    answer = clerk.post("/notices/preferences/", wrong)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert 'value="clerk@"' in page
    assert "不是邮箱地址" in page
    assert not Preference.objects.exists()
    assert clerk.post("/notices/preferences/", {**wrong, "email": "clerk@example.cn"}).status_code == 302
    held = Preference.objects.get()
    city.clerk.refresh_from_db()
    assert (held.person, held.mail, held.language) == (city.clerk, "at_once", "en")
    assert city.clerk.email == "clerk@example.cn"


def test_over_the_api(city: Population, clerk: Client) -> None:
    for number in range(3):
        told(city.clerk, number, urgent=number == 1)
    assert clerk.get("/api/notices/count").json() == {"unread": 3}
    found = clerk.get("/api/notices/?limit=2").json()
    assert (found["count"], len(found["items"])) == (3, 2)
    first = found["items"][0]
    assert (first["subject"], first["href"], first["read_at"]) == ("第2件事", "/people/me/?n=2", None)
    key = {"Authorization": f"Bearer {make_token(city.clerk, 'test')}"}
    program = Client(headers=key)
    assert program.post(f"/api/notices/{first['id']}/read").json()["read_at"] is not None
    assert clerk.get("/api/notices/?unread=true").json()["count"] == 2
    given = {"room": "filing"}
    assert program.post("/api/notices/read", given, content_type="application/json").json() == {"marked": 0}
    assert program.post("/api/notices/read", {}, content_type="application/json").json() == {"marked": 2}
    assert Client().get("/api/notices/").status_code == 401


def test_in_english(city: Population, clerk: Client) -> None:
    set_preference(city.clerk, "daily", "en", "")
    told(city.clerk, urgent=True)
    clerk.cookies["django_language"] = "en"
    page = read(clerk, "/notices/")
    assert "Mark all as read" in page
    assert "Urgent" in page
    assert "One a morning" in read(clerk, "/notices/preferences/")
