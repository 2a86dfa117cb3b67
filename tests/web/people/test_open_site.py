"""The first account of a city's own site."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from muheng.web.people.models import Organisation, User

pytestmark = pytest.mark.django_db


def open_site(monkeypatch: pytest.MonkeyPatch, password: str = "yi-ge-chang-mi-ma", **changed: str) -> str:
    monkeypatch.setenv("MUHENG_PASSWORD", password)
    out = StringIO()
    given = {"city": "maanshan", "username": "zhou", "name": "周某", **changed}
    call_command("open_site", stdout=out, **given)
    return out.getvalue()


def test_the_first_person_can_log_in_and_is_at_the_head_of_the_city(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "zhou" in open_site(monkeypatch)
    client = Client()
    assert client.login(username="zhou", password="yi-ge-chang-mi-ma")
    assert client.get("/").status_code == 200
    assert Organisation.objects.filter(kind="township").count() == 49


def test_again_it_adds_a_person_and_no_second_city(monkeypatch: pytest.MonkeyPatch) -> None:
    open_site(monkeypatch)
    open_site(monkeypatch, username="wu", name="吴某", role="leader")
    assert Organisation.objects.filter(kind="city").count() == 1
    assert User.objects.count() == 2


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"city": "atlantis"}, "atlantis"),
        ({"role": "king"}, "king"),
        ({"password": "12345678"}, "密码"),
    ],
)
def test_what_cannot_be_is_said_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, changed: dict[str, str], said: str
) -> None:
    with pytest.raises(CommandError, match=said):
        open_site(monkeypatch, **changed)
    assert not User.objects.exists()
    assert not Organisation.objects.exists()


def test_a_name_that_is_taken_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    open_site(monkeypatch)
    with pytest.raises(CommandError, match="zhou"):
        open_site(monkeypatch)
