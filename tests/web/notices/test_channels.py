"""Channels over real connections: what each kind is sent, what becomes of bad answers, and who may set them up."""

from __future__ import annotations

import hashlib
import hmac
import time
from base64 import b64decode, b64encode
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Event, Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from muheng.web.audit.models import Entry
from muheng.web.jobs.actions import run_pending
from muheng.web.jobs.models import Job
from muheng.web.notices import delivery, post, robots
from muheng.web.notices.actions import (
    change_channel,
    end_channel,
    make_channel,
    send_again,
    tell_channel,
    try_channel,
)
from muheng.web.notices.delivery import OLDEST, WAITS, deliver_due
from muheng.web.notices.models import Channel, Dispatch, State
from muheng.web.notices.sealing import Unreadable, seal, unseal
from muheng.web.people.models import Organisation
from muheng.web.refusal import Refused
from web.notices.servers import Receiver, free_port, make_certificate, receiving, reply
from web.population import Population

pytestmark = pytest.mark.django_db

SECRET = "SEC-一个密钥"


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    settings.WEBHOOK_HOSTS = ("127.0.0.1",)
    settings.SITE = "https://muheng.example.cn"
    with receiving() as found:
        yield found


def make(
    city: Population, receiver: Receiver, kind: str = "json", secret: str = SECRET, **more: Any
) -> Channel:
    return make_channel(city.chief, city.root, kind, "测试群", receiver.address, secret, **more)


def say_it(*places: Organisation, subject: str = "诉求快到期", text: str = "还剩一天。", **more: Any) -> int:
    return tell_channel(places, subject, text, "/cases/7/", room=more.pop("room", "casework"), **more)


def later(**much: float) -> None:
    """As if time had passed."""
    passed = timedelta(**much)
    for each in Dispatch.objects.all():
        tried = each.tried_at - passed if each.tried_at else None
        Dispatch.objects.filter(pk=each.pk).update(
            due_at=each.due_at - passed, tried_at=tried, created_at=each.created_at - passed
        )
    for channel in Channel.objects.exclude(rest_until=None):
        Channel.objects.filter(pk=channel.pk).update(rest_until=channel.rest_until - passed)
    Job.objects.filter(state=Job.State.WAITING).update(not_before=None)


def only() -> Dispatch:
    return Dispatch.objects.get()


# -- what each kind is sent ------------------------------------------------------------------------


def test_a_program_is_sent_json_that_it_can_check(city: Population, receiver: Receiver) -> None:
    make(city, receiver)
    assert say_it(city.root, urgent=True) == 1
    assert not receiver.asked, "nothing goes from within the request"
    assert run_pending() == 1
    (asked,) = receiver.asked
    dispatch = only()
    assert asked.json == {
        "id": str(dispatch.uuid),
        "at": dispatch.at.isoformat(),
        "room": "casework",
        "urgent": True,
        "subject": "诉求快到期",
        "text": "还剩一天。",
        "link": "https://muheng.example.cn/cases/7/",
    }
    assert asked.headers["X-Muheng-Id"] == str(dispatch.uuid)
    stamp = asked.headers["X-Muheng-Timestamp"]
    assert abs(time.time() - int(stamp)) < 60
    due = hmac.new(SECRET.encode(), stamp.encode() + b"." + asked.body, hashlib.sha256).hexdigest()
    assert asked.headers["X-Muheng-Signature"] == f"sha256={due}"
    assert asked.headers["Host"] == f"127.0.0.1:{receiver.port}"
    assert (dispatch.state, dispatch.status, dispatch.attempts) == (State.SENT, 200, 1)
    assert dispatch.answer.startswith('{"errcode":0')
    assert run_pending() == 0


def test_dingtalk_gets_markdown_and_the_signature_in_its_address(
    city: Population, receiver: Receiver
) -> None:
    make(city, receiver, "dingtalk")
    say_it(city.root, text="第一行\n第二行")
    run_pending()
    (asked,) = receiver.asked
    query = parse_qs(urlsplit(asked.path).query)
    assert query["access_token"] == ["abc"]
    (stamp,), (sign,) = query["timestamp"], query["sign"]
    assert abs(time.time() * 1000 - int(stamp)) < 60_000
    assert sign == b64encode(
        hmac.new(SECRET.encode(), f"{stamp}\n{SECRET}".encode(), hashlib.sha256).digest()
    ).decode("ascii")
    assert asked.json["msgtype"] == "markdown"
    assert asked.json["markdown"]["title"] == "诉求快到期"
    assert asked.json["markdown"]["text"] == (
        "### 诉求快到期\n\n第一行\n\n第二行\n\n[去办理](https://muheng.example.cn/cases/7/)"
    )


def test_wecom_gets_markdown_as_long_as_it_takes(city: Population, receiver: Receiver) -> None:
    make(city, receiver, "wecom", secret="")
    say_it(city.root, text="长" * 5000)
    run_pending()
    (asked,) = receiver.asked
    assert asked.json["msgtype"] == "markdown"
    content = asked.json["markdown"]["content"]
    assert len(content.encode()) <= 4096
    assert content.startswith("### 诉求快到期\n长")
    assert content.endswith("…\n[去办理](https://muheng.example.cn/cases/7/)")


def test_feishu_gets_text_and_the_signature_in_its_body(city: Population, receiver: Receiver) -> None:
    make(city, receiver, "feishu")
    say_it(city.root)
    run_pending()
    found = receiver.asked[0].json
    key = f"{found['timestamp']}\n{SECRET}".encode()
    assert b64decode(found["sign"]) == hmac.new(key, b"", hashlib.sha256).digest()
    assert abs(time.time() - int(found["timestamp"])) < 60
    assert found["msg_type"] == "text"
    assert found["content"] == {"text": "诉求快到期\n还剩一天。\nhttps://muheng.example.cn/cases/7/"}


@pytest.mark.parametrize("kind", ["dingtalk", "wecom", "feishu"])
def test_a_text_brings_no_link_picture_or_mention_along(
    kind: str, city: Population, receiver: Receiver, settings: Any
) -> None:
    settings.SITE = ""
    make(city, receiver, kind)
    evil = '<at user_id="all"></at>![图](http://example.org/x.png)[点](http://example.org)<@all># 题'
    say_it(city.root, subject=evil, text=evil)
    run_pending()
    sent = receiver.asked[0].body.decode()
    assert [each for each in ("<", "[点", "![", "](") if each in sent] == []
    assert "＜at" in sent


def test_each_channel_in_its_language(city: Population, receiver: Receiver) -> None:
    make(city, receiver, "wecom", language="en")
    say_it(city.root)
    run_pending()
    assert "[Open it](" in receiver.asked[0].json["markdown"]["content"]


# -- which channels are told -----------------------------------------------------------------------


def test_channels_up_the_tree_are_told_of_what_they_are_set_to(city: Population, receiver: Receiver) -> None:
    def channel(place: Organisation, name: str, **more: Any) -> None:
        make_channel(city.chief, place, "json", name, receiver.address, "", **more)

    east, west = city.counties
    channel(city.root, "市")
    channel(city.root, "市里紧急的", urgent_only=True)
    channel(city.root, "市里填报", rooms=["filing"])
    channel(east, "东山")
    channel(west, "西湖")
    channel(city.townships[0], "河口")

    def told(*places: Organisation, **more: Any) -> list[str]:
        Dispatch.objects.all().delete()
        count = say_it(*places, **more)
        names = sorted(Dispatch.objects.values_list("channel__name", flat=True))
        assert count == len(names)
        return names

    assert told(city.townships[0]) == sorted(["市", "东山", "河口"])
    assert told(west, urgent=True) == sorted(["市", "市里紧急的", "西湖"])
    assert told(east, west, room="filing") == sorted(["市", "市里填报", "东山", "西湖"])
    assert told() == []
    assert told(east, at=timezone.now() - timedelta(days=2)) == [], "what is history goes nowhere"


def test_a_key_is_sent_once(city: Population, receiver: Receiver) -> None:
    make(city, receiver)
    assert [say_it(city.root, key="case-7") for _ in range(2)] == [1, 0]
    run_pending()
    assert say_it(city.root, key="case-7") == 0
    assert say_it(city.root, key="case-8") == 1


# -- what does not arrive --------------------------------------------------------------------------


def failing(city: Population, receiver: Receiver, kind: str = "json") -> Dispatch:
    """One message that does not arrive, after its first try."""
    make(city, receiver, kind)
    say_it(city.root)
    run_pending()
    dispatch = only()
    assert (dispatch.state, dispatch.attempts) == (State.WAITING, 1)
    assert dispatch.due_at > timezone.now() + WAITS[0] - timedelta(seconds=30)
    job = Job.objects.get(state=Job.State.WAITING)
    assert job.not_before is not None
    assert job.not_before >= dispatch.due_at - timedelta(seconds=1)
    return dispatch


def test_a_server_in_trouble_is_tried_again_until_it_is_well(city: Population, receiver: Receiver) -> None:
    receiver.answer = lambda handler: reply(handler, 500, "出错了".encode() * 500)
    dispatch = failing(city, receiver)
    assert (dispatch.reason, dispatch.status) == ("status", 500)
    assert len(dispatch.answer) == 200
    receiver.answer = lambda handler: reply(handler, 204)
    later(minutes=2)
    run_pending()
    dispatch = only()
    assert (dispatch.state, dispatch.status, dispatch.attempts, dispatch.reason) == (State.SENT, 204, 2, "")
    assert [asked.headers["X-Muheng-Id"] for asked in receiver.asked] == [str(dispatch.uuid)] * 2


def test_after_some_tries_it_is_given_up_and_may_be_sent_again(city: Population, receiver: Receiver) -> None:
    receiver.answer = lambda handler: reply(handler, 404)
    make(city, receiver)
    say_it(city.root)
    for _wait in WAITS:
        run_pending()
        assert only().state == State.WAITING
        Dispatch.objects.update(due_at=timezone.now())
        Channel.objects.update(rest_until=None)
        Job.objects.filter(state=Job.State.WAITING).update(not_before=None)
    run_pending()
    dispatch = only()
    assert (dispatch.state, dispatch.attempts) == (State.GIVEN_UP, len(WAITS) + 1)
    assert len(receiver.asked) == len(WAITS) + 1
    assert not Job.objects.filter(state=Job.State.WAITING).exists()
    receiver.answer = lambda handler: reply(handler)
    send_again(city.chief, dispatch)
    run_pending()
    assert only().state == State.SENT
    with pytest.raises(Refused):
        send_again(city.chief, dispatch)


def test_a_redirect_is_not_followed(city: Population, receiver: Receiver) -> None:
    with receiving() as elsewhere:
        receiver.answer = lambda handler: reply(handler, 302, Location=elsewhere.address)
        dispatch = failing(city, receiver)
        assert elsewhere.asked == []
    assert (dispatch.reason, dispatch.status) == ("redirect", 302)


def test_a_slow_server_is_left(city: Population, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(post, "PATIENCE", 0.3)

    def drip(handler: BaseHTTPRequestHandler) -> None:
        """A byte now and then: no single wait is long."""
        for _ in range(100):
            handler.wfile.write(b"H")
            time.sleep(0.05)

    def drip_body(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        drip(handler)

    for answer in (lambda handler: time.sleep(1), drip, drip_body):
        Channel.objects.all().delete()
        receiver.answer = answer
        began = time.monotonic()
        assert failing(city, receiver).reason == "timeout"
        assert time.monotonic() - began < 2
        Job.objects.all().delete()


def test_a_huge_answer_is_not_taken_in(city: Population, receiver: Receiver) -> None:
    sent = 0

    def flood(handler: BaseHTTPRequestHandler) -> None:
        nonlocal sent
        handler.send_response(200)
        handler.end_headers()
        for _ in range(10_000):
            sent += handler.wfile.write(b"x" * 100_000)

    receiver.answer = flood
    make(city, receiver)
    say_it(city.root)
    run_pending()
    assert only().state == State.SENT
    assert only().answer == "x" * 200
    assert sent < 100_000_000


def test_what_is_no_web_server_is_told_as_such(city: Population, receiver: Receiver) -> None:
    receiver.answer = lambda handler: handler.wfile.write(b"SSH-2.0-OpenSSH\r\n\0") and None
    assert failing(city, receiver).reason == "unreachable"
    Channel.objects.all().delete()
    Job.objects.all().delete()
    assert failing(city, Receiver(port=free_port())).reason == "unreachable"


def test_a_certificate_that_nobody_vouches_for(
    city: Population, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.WEBHOOK_HOSTS = ("127.0.0.1",)
    certificate = make_certificate(tmp_path / "one.pem", "127.0.0.1")
    with receiving(certificate) as receiver:
        dispatch = failing(city, receiver)
        assert dispatch.reason == "certificate"
        assert receiver.asked == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        later(minutes=2)
        run_pending()
        assert only().state == State.SENT
    other = make_certificate(tmp_path / "other.pem", "other.example.cn")
    monkeypatch.setenv("SSL_CERT_FILE", str(other))
    Channel.objects.all().delete()
    with receiving(other) as receiver:
        assert failing(city, receiver).reason == "certificate", "it is another host's"


@pytest.mark.parametrize(
    ("kind", "body", "reason"),
    [
        ("dingtalk", b'{"errcode":310000,"errmsg":"sign not match"}', "refused"),
        ("wecom", b'{"errcode":93000,"errmsg":"invalid webhook url"}', "refused"),
        ("feishu", b'{"code":19021,"msg":"sign match fail"}', "refused"),
        ("wecom", b"<html>log in</html>", "garbled"),
        ("feishu", b"[]", "garbled"),
        ("dingtalk", b'{"errcode":"0"}', "garbled"),
    ],
)
def test_messengers_say_no_with_status_200(
    kind: str, body: bytes, reason: str, city: Population, receiver: Receiver
) -> None:
    receiver.answer = lambda handler: reply(handler, 200, body)
    dispatch = failing(city, receiver, kind)
    assert (dispatch.reason, dispatch.status, dispatch.answer) == (reason, 200, body.decode())


def test_a_message_that_is_refused_does_not_hold_up_the_next(city: Population, receiver: Receiver) -> None:
    def refuse_the_first(handler: BaseHTTPRequestHandler) -> None:
        reply(handler, 200, b'{"errcode":40008}' if len(receiver.asked) == 1 else b'{"errcode":0}')

    receiver.answer = refuse_the_first
    make(city, receiver, "wecom")
    for subject in "甲乙丙":
        say_it(city.root, subject=subject)
    run_pending()
    states = dict(Dispatch.objects.values_list("subject_line", "state"))
    assert states == {"甲": State.WAITING, "乙": State.SENT, "丙": State.SENT}


def test_what_waits_for_days_is_given_up(city: Population, receiver: Receiver) -> None:
    receiver.answer = lambda handler: reply(handler, 503)
    failing(city, receiver)
    later(seconds=OLDEST.total_seconds() + 1)
    run_pending()
    assert only().state == State.GIVEN_UP


# -- how fast --------------------------------------------------------------------------------------


def test_more_than_a_channel_takes_in_a_minute_waits_and_nothing_is_lost(
    city: Population, receiver: Receiver
) -> None:
    make(city, receiver, "dingtalk")
    make_channel(city.chief, city.root, "json", "程序", receiver.address.replace("abc", "other"), "")
    for number in range(45):
        say_it(city.root, subject=f"第{number:02}件")

    def sent() -> list[str]:
        return [asked.json["markdown"]["title"] for asked in receiver.asked if "markdown" in asked.json]

    run_pending()
    assert len(sent()) == 20
    assert len(receiver.asked) == 20 + 45, "the other channel goes on"
    rest = Channel.objects.get(kind="dingtalk").rest_until
    assert rest is not None
    assert timedelta(seconds=50) < rest - timezone.now() <= timedelta(minutes=1)
    job = Job.objects.get(state=Job.State.WAITING)
    assert job.not_before is not None
    assert rest - timedelta(seconds=1) <= job.not_before <= rest + timedelta(seconds=60)
    for due in (40, 45):
        later(seconds=61)
        run_pending()
        assert len(sent()) == due
    assert sent() == [f"第{number:02}件" for number in range(45)], "in their order, each once"
    assert not Dispatch.objects.exclude(state=State.SENT).exists()


@pytest.mark.parametrize(
    ("kind", "status", "body", "rest"),
    [
        ("dingtalk", 200, b'{"errcode":130101,"errmsg":"send too fast"}', 600),
        ("wecom", 200, b'{"errcode":45009,"errmsg":"api freq out of limit"}', 60),
        ("feishu", 400, b'{"code":11232,"msg":"frequency limited"}', 60),
        ("json", 429, b"slower", 120),
    ],
)
def test_who_says_too_much_is_left_alone_and_it_is_no_try(
    kind: str, status: int, body: bytes, rest: int, city: Population, receiver: Receiver
) -> None:
    receiver.answer = lambda handler: reply(handler, status, body, Retry_After="120")
    make(city, receiver, kind)
    for subject in "甲乙丙":
        say_it(city.root, subject=subject)
    run_pending()
    assert len(receiver.asked) == 1
    assert set(Dispatch.objects.values_list("state", "attempts")) == {(State.WAITING, 0)}
    until = Channel.objects.get().rest_until
    assert until is not None
    assert abs((until - timezone.now()).total_seconds() - rest) < 20
    receiver.answer = lambda handler: reply(handler)
    later(seconds=rest + 1)
    run_pending()
    assert set(Dispatch.objects.values_list("state", flat=True)) == {State.SENT}


def test_a_run_ends_in_time_and_the_rest_goes_with_the_next(city: Population, receiver: Receiver) -> None:
    receiver.answer = lambda handler: time.sleep(0.1) or reply(handler)
    make(city, receiver)
    for number in range(6):
        say_it(city.root, subject=str(number))
    assert 1 <= deliver_due(0.25) < 6
    run_pending()
    assert set(Dispatch.objects.values_list("state", "attempts")) == {(State.SENT, 1)}


def test_of_two_workers_one_sends_a_message(city: Population, receiver: Receiver) -> None:
    channel = make(city, receiver)
    say_it(city.root)
    first, second = delivery._next_of(channel), delivery._next_of(channel)
    assert first is not None
    assert second is None
    # The worker dies here; after its time another takes it up.
    later(minutes=3)
    run_pending()
    assert (only().state, only().attempts) == (State.SENT, 2)


@pytest.mark.django_db(transaction=True)
def test_what_is_told_while_a_worker_looks_is_not_left(city: Population, receiver: Receiver) -> None:
    """A job waits already; the one who tells relies on it, and the worker comes before that is kept."""
    make(city, receiver)
    say_it(city.root, subject="先")
    told = Event()

    @transaction.atomic
    def tell_slowly() -> None:
        say_it(city.root, subject="后")
        told.set()
        time.sleep(0.3)

    def run() -> None:
        try:
            tell_slowly()
        finally:
            connection.close()

    thread = Thread(target=run)
    thread.start()
    assert told.wait(5)
    run_pending()
    thread.join()
    run_pending()
    assert Job.objects.filter(kind="notices.deliver").count() == 1
    assert sorted(asked.json["subject"] for asked in receiver.asked) == ["先", "后"]


# -- setting up ------------------------------------------------------------------------------------


def test_the_database_alone_gives_nothing_away(city: Population, receiver: Receiver, settings: Any) -> None:
    channel = make(city, receiver)
    kept = str(Channel.objects.filter(pk=channel.pk).values().get())
    assert "token=abc" not in kept
    assert SECRET not in kept
    assert SECRET not in str(list(Entry.objects.values()))
    assert "access_token" not in str(list(Entry.objects.values()))
    assert unseal(channel.sealed_secret) == SECRET
    assert seal("甲") != seal("甲")
    say_it(city.root)
    settings.SECRET_KEY = "another"
    run_pending()
    assert only().reason == "key"
    with pytest.raises(Unreadable):
        unseal(channel.sealed_secret)
    settings.SECRET_KEY_FALLBACKS = ["the suite's own"]
    later(minutes=2)
    run_pending()
    assert only().state == State.SENT


def test_a_new_address_does_not_get_the_old_secret(city: Population, receiver: Receiver) -> None:
    channel = make(city, receiver)
    change_channel(city.chief, channel, "改名")
    assert unseal(channel.sealed_secret) == SECRET
    change_channel(city.chief, channel, "改名", receiver.address + "&x=1")
    assert channel.sealed_secret == ""


def test_ending_a_channel_forgets_its_address(city: Population, receiver: Receiver) -> None:
    channel = make(city, receiver)
    say_it(city.root)
    end_channel(city.chief, channel)
    channel.refresh_from_db()
    assert channel.sealed_address == channel.sealed_secret == ""
    run_pending()
    assert receiver.asked == []
    assert (only().state, only().reason) == (State.GIVEN_UP, "ended")
    assert say_it(city.root) == 0
    with pytest.raises(Refused):
        try_channel(city.chief, channel)


def test_only_who_may_at_that_place(city: Population, receiver: Receiver) -> None:
    county_chief = city.county_clerk
    county_chief.memberships.update(role=city.chief.memberships.get().role_id)
    made = make_channel(county_chief, city.counties[0], "json", "东山", receiver.address, "")
    for place in (city.root, city.counties[1]):
        with pytest.raises(Refused) as refused:
            make_channel(county_chief, place, "json", "别处", receiver.address, "")
        assert refused.value.status == 403
    theirs = make_channel(city.chief, city.counties[1], "json", "西湖", receiver.address, "")
    client = Client()
    client.force_login(county_chief)
    page = client.get("/notices/channels/").content.decode()
    assert "东山" in page
    assert "西湖" not in page
    assert client.get(f"/notices/channels/{made.pk}/").status_code == 200
    say_it(city.counties[1])
    dispatch = Dispatch.objects.get(channel=theirs)
    for address in (f"{theirs.pk}/", f"{theirs.pk}/try/", f"{theirs.pk}/end/", f"again/{dispatch.pk}/"):
        assert client.post(f"/notices/channels/{address}").status_code == 404
    client.force_login(city.clerk)
    for address in ("", "new/", f"{made.pk}/"):
        assert client.get(f"/notices/channels/{address}").status_code == 403


def test_the_pages_of_a_channel(city: Population, receiver: Receiver) -> None:
    client = Client()
    client.force_login(city.chief)
    new = {
        "kind": "dingtalk",
        "organisation": city.root.pk,
        "name": "督办群",
        "address": "ftp://example.cn/",
        "secret": SECRET,
        "rooms": ["casework", "liaison"],
        "language": "zh-hans",
    }
    answer = client.post("/notices/channels/new/", new)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "这个地址不能用" in page
    assert "督办群" in page
    assert SECRET not in page
    answer = client.post("/notices/channels/new/", {**new, "address": receiver.address})
    channel = Channel.objects.get()
    assert answer.headers["Location"] == f"/notices/channels/{channel.pk}/"
    assert client.post(f"/notices/channels/{channel.pk}/try/").status_code == 302
    page = client.get(f"/notices/channels/{channel.pk}/").content.decode()
    assert f'id="job-{Job.objects.get().pk}"' in page
    assert "token=abc" not in page
    assert SECRET not in page
    run_pending()
    assert "督办群" in receiver.asked[0].json["markdown"]["text"]
    page = client.get(f"/notices/channels/{channel.pk}/").content.decode()
    assert "测试：来自亩衡的消息" in page
    assert "HTTP 200" in page
    changed = {"name": "督办二群", "rooms": [], "urgent_only": "on", "language": "en"}
    assert client.post(f"/notices/channels/{channel.pk}/", changed).status_code == 302
    channel.refresh_from_db()
    assert (channel.name, channel.rooms, channel.urgent_only) == ("督办二群", [], True)
    assert unseal(channel.sealed_secret) == SECRET
    receiver.answer = lambda handler: reply(handler, 200, b'{"errcode":310000,"errmsg":"<b>no</b>"}')
    say_it(city.root, urgent=True)
    Dispatch.objects.filter(trial=False).update(attempts=len(WAITS))
    run_pending()
    page = client.get(f"/notices/channels/{channel.pk}/").content.decode()
    assert "对方收到了，但没有接受" in page
    assert "&lt;b&gt;no" in page
    failed = Dispatch.objects.get(state=State.GIVEN_UP)
    assert client.post(f"/notices/channels/again/{failed.pk}/").status_code == 302
    failed.refresh_from_db()
    assert failed.state == State.WAITING
    assert client.post(f"/notices/channels/{channel.pk}/end/").status_code == 302
    assert "已停用" in client.get("/notices/channels/").content.decode()


def test_a_trial_is_tried_once(city: Population, receiver: Receiver) -> None:
    receiver.answer = lambda handler: reply(handler, 500)
    try_channel(city.chief, make(city, receiver))
    run_pending()
    assert (only().state, only().attempts, only().status) == (State.GIVEN_UP, 1, 500)
    assert len(receiver.asked) == 1
    assert set(robots.A_MINUTE) == set(Channel.Kind.values)
