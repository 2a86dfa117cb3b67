"""Mail over a real connection: who gets what when, in their language, and what becomes of what does not go."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from django.utils import timezone

from muheng.web.jobs.actions import run_next, run_pending
from muheng.web.jobs.models import Job
from muheng.web.notices import delivery, letters
from muheng.web.notices.actions import mark_all_read, set_preference, tell
from muheng.web.notices.delivery import OLDEST, WAITS, deliver_due
from muheng.web.notices.models import Letter, Notice, State
from muheng.web.people.models import User
from muheng.web.settings.outside import read_outside
from web.notices.servers import Mailbox, free_port, make_certificate, taking_mail
from web.population import Population

pytestmark = pytest.mark.django_db


@pytest.fixture
def mailbox(settings: Any) -> Iterator[Mailbox]:
    with taking_mail() as found:
        use(settings, found)
        yield found


def use(settings: Any, mailbox: Mailbox, address: str = "smtp://127.0.0.1:{port}") -> None:
    environment = {
        "MUHENG_SMTP": address.format(port=mailbox.port),
        "MUHENG_MAIL_FROM": "亩衡 <muheng@example.cn>",
        "MUHENG_SITE": "https://muheng.example.cn",
    }
    for name, value in read_outside(environment).items():
        setattr(settings, name, value)


def wish(person: User, mail: str = "at_once", language: str = "zh-hans") -> str:
    set_preference(person, mail, language, f"{person.username}@example.cn")
    return person.email


def say_it(
    *people: User, subject: str = "诉求交给了您", urgent: bool = False, text: str = "请受理。"
) -> None:
    tell(people, subject, text, "/casework/7/", room="casework", urgent=urgent)


def later(**much: float) -> None:
    """As if time had passed: what waits is due by so much sooner."""
    passed = timedelta(**much)
    for notice in Notice.objects.exclude(mail_at=None):
        Notice.objects.filter(pk=notice.pk).update(mail_at=notice.mail_at - passed)
    for letter in Letter.objects.all():
        Letter.objects.filter(pk=letter.pk).update(
            due_at=letter.due_at - passed, created_at=letter.created_at - passed
        )
    Job.objects.filter(state=Job.State.WAITING).update(not_before=None)


def test_what_is_told_at_once_goes_in_one_letter(city: Population, mailbox: Mailbox) -> None:
    address = wish(city.clerk)
    say_it(city.clerk)
    say_it(city.clerk, subject="企业确认了答复", text="")
    assert not mailbox.mails, "nothing goes from within the request"
    assert run_pending() == 1
    (mail,) = mailbox.to(address)
    assert mail["Subject"] == "您有 2 条通知"
    assert mail["From"].addresses[0].addr_spec == "muheng@example.cn"
    assert mail["From"].addresses[0].display_name == "亩衡"
    plain = mail.get_body(("plain",)).get_content()
    page = mail.get_body(("html",)).get_content()
    for notice in city.clerk.notices.all():
        for part in (plain, page):
            assert notice.subject_line in part
            assert f"https://muheng.example.cn/notices/{notice.pk}/" in part
    assert "经办张，您好" in plain
    assert Letter.objects.get().state == State.SENT
    assert run_pending() == 0
    assert len(mailbox.mails) == 1


def test_the_rest_of_the_day_waits_for_the_morning(city: Population, mailbox: Mailbox) -> None:
    address = wish(city.clerk, "daily")
    say_it(city.clerk, subject="甲")
    say_it(city.clerk, subject="乙", urgent=True)
    say_it(city.clerk, subject="丙")
    run_pending()
    (mail,) = mailbox.to(address)
    assert mail["Subject"] == "乙"
    job = Job.objects.get(state=Job.State.WAITING)
    assert job.not_before == Notice.objects.filter(letter=None).values_list("mail_at", flat=True)[0]
    later(days=1)
    run_pending()
    morning = mailbox.to(address)[1].get_body(("plain",)).get_content()
    assert "甲" in morning
    assert "丙" in morning
    assert "乙" not in morning


def test_what_was_read_in_the_site_is_not_mailed(city: Population, mailbox: Mailbox) -> None:
    wish(city.clerk, "daily")
    say_it(city.clerk)
    mark_all_read(city.clerk)
    later(days=1)
    run_pending()
    assert mailbox.mails == []
    assert not Letter.objects.exists()


def test_each_letter_is_in_the_language_of_its_reader(city: Population, mailbox: Mailbox) -> None:
    mine, theirs = wish(city.clerk), wish(city.chief, language="en")
    say_it(city.clerk, city.chief, urgent=True)
    run_pending()
    assert "【紧急】" in mailbox.to(mine)[0].get_body(("plain",)).get_content()
    english = mailbox.to(theirs)[0].get_body(("plain",)).get_content()
    assert "Dear 科长李" in english
    assert "【Urgent】" in english


def test_a_subject_cannot_bring_headers_along(city: Population, mailbox: Mailbox) -> None:
    address = wish(city.clerk)
    say_it(city.clerk, subject="甲\r\nBcc: all@example.cn\r\n\r\n<script>", text="<img src=x>\r\n.\r\nQUIT")
    # Not even one that got into the database some other way.
    Notice.objects.update(subject_line="甲\nBcc: all@example.cn\n\n<script>")
    run_pending()
    ((recipients, mail, raw),) = mailbox.mails
    assert recipients == [address]
    assert mail["Bcc"] is None
    assert mail["Subject"] == "甲 Bcc: all@example.cn <script>"
    assert raw.count(b"Message-ID:") == 1
    assert "<script>" not in mail.get_body(("html",)).get_content()
    assert "&lt;img src=x&gt;" in mail.get_body(("html",)).get_content()


def test_one_bad_address_does_not_stop_the_others(city: Population, mailbox: Mailbox) -> None:
    addresses = [wish(person) for person in (city.clerk, city.chief, city.leader)]
    mailbox.refused[addresses[0]] = "550 no such user"
    say_it(city.clerk, city.chief, city.leader)
    User.objects.filter(pk=city.chief.pk).update(email="not an address")
    run_pending()
    assert [recipients for recipients, _mail, _raw in mailbox.mails] == [[addresses[2]]]
    failed = {letter.person_id: letter for letter in Letter.objects.filter(state=State.GIVEN_UP)}
    assert failed[city.clerk.pk].reason == failed[city.chief.pk].reason == "recipient"
    assert failed[city.clerk.pk].answer == "550 no such user"


def test_a_refusal_for_now_is_tried_again_and_given_up_in_the_end(city: Population, mailbox: Mailbox) -> None:
    address = wish(city.clerk)
    mailbox.verdict = lambda: "451 later please"
    say_it(city.clerk)
    for attempt, wait in enumerate(WAITS, start=1):
        before = timezone.now()
        run_pending()
        letter = Letter.objects.get()
        assert (letter.state, letter.attempts, letter.reason) == (State.WAITING, attempt, "mail_refused")
        assert letter.answer == "451 later please"
        assert timedelta() <= letter.due_at - before - wait < timedelta(seconds=30)
        job = Job.objects.get(state=Job.State.WAITING)
        assert job.not_before is not None
        assert job.not_before >= letter.due_at - timedelta(seconds=1)
        Letter.objects.update(due_at=timezone.now())
        Job.objects.filter(pk=job.pk).update(not_before=None)
    run_pending()
    assert Letter.objects.get().state == State.GIVEN_UP
    assert not Job.objects.filter(state=Job.State.WAITING).exists()
    assert mailbox.to(address) == []


def test_after_a_refusal_for_now_it_arrives_once(city: Population, mailbox: Mailbox) -> None:
    address = wish(city.clerk)
    answers = iter(["451 later please", "250 OK"])
    mailbox.verdict = lambda: next(answers)
    say_it(city.clerk)
    run_pending()
    later(minutes=2)
    run_pending()
    assert len(mailbox.to(address)) == 1
    letter = Letter.objects.get()
    assert (letter.state, letter.attempts, letter.reason) == (State.SENT, 2, "")


def test_a_server_that_is_down_counts_against_nobody(city: Population, settings: Any) -> None:
    use(settings, Mailbox(port=free_port()))
    for person in (city.clerk, city.chief):
        wish(person)
    say_it(city.clerk, city.chief)
    run_pending()
    for letter in Letter.objects.all():
        assert (letter.state, letter.attempts, letter.reason) == (State.WAITING, 0, "mail_server")
        assert letter.due_at > timezone.now() + timedelta(minutes=4)
    with taking_mail() as mailbox:
        use(settings, mailbox)
        later(minutes=6)
        run_pending()
        assert len(mailbox.mails) == 2


def test_what_waits_for_days_is_given_up(city: Population, settings: Any) -> None:
    use(settings, Mailbox(port=free_port()))
    wish(city.clerk)
    say_it(city.clerk)
    run_pending()
    later(seconds=OLDEST.total_seconds() + 1)
    run_pending()
    letter = Letter.objects.get()
    assert (letter.state, letter.reason) == (State.GIVEN_UP, "mail_server")


def test_a_letter_that_breaks_the_connection_does_not_stop_the_next(
    city: Population, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = wish(city.clerk), wish(city.chief)

    async def hang_up(server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address == bad:
            server.transport.close()
        envelope.rcpt_tos.append(address)
        return "250 OK"

    monkeypatch.setattr(mailbox, "handle_RCPT", hang_up)
    say_it(city.clerk)
    say_it(city.chief)
    assert deliver_due() == 1
    assert len(mailbox.to(good)) == 1
    letter = Letter.objects.get(person=city.clerk)
    assert (letter.state, letter.attempts, letter.reason) == (State.WAITING, 1, "mail_server")


def test_of_two_workers_one_sends_a_letter(city: Population, mailbox: Mailbox) -> None:
    address = wish(city.clerk)
    say_it(city.clerk)
    delivery.gather_letters(timezone.now())
    letter = Letter.objects.get()
    delivery.gather_letters(timezone.now())
    with delivery.Post() as post:
        assert [delivery._send_letter(post, letter) for _ in range(2)] == [1, 0]
    assert len(mailbox.to(address)) == 1
    # What a worker had in hand when it died is tried again after a while.
    Letter.objects.update(state=State.WAITING, due_at=timezone.now() - timedelta(seconds=1))
    assert deliver_due() == 1
    assert [mail["Message-ID"] for mail in mailbox.to(address)] == [mailbox.to(address)[0]["Message-ID"]] * 2


def test_a_job_that_breaks_does_not_come_back_at_once(
    city: Population, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    wish(city.clerk)
    say_it(city.clerk)

    def fail(until: float) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr(delivery, "send_letters", fail)
    assert run_pending() == 1
    job = Job.objects.get(state=Job.State.WAITING)
    assert job.not_before is not None
    assert job.not_before > timezone.now() + timedelta(seconds=20)
    assert run_next() is None


def test_the_password_goes_only_under_tls(
    city: Population, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = make_certificate(tmp_path / "mail.pem", "127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    seen: list[tuple[bytes, bytes]] = []

    def check(server: Any, session: Any, envelope: Any, mechanism: str, given: Any) -> AuthResult:
        seen.append((given.login, given.password))
        return AuthResult(success=given.password == b"p@ss:word", handled=False)

    more = {"authenticator": check, "auth_required": True, "auth_require_tls": True, "tls_context": context}
    address = wish(city.clerk)
    with taking_mail(**more) as mailbox:
        use(settings, mailbox, "smtp://muheng:p%40ss%3Aword@127.0.0.1:{port}")
        say_it(city.clerk)
        run_pending()
        assert Letter.objects.get().reason == "certificate", "nobody vouches for the server"
        assert seen == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        later(minutes=6)
        run_pending()
        assert len(mailbox.to(address)) == 1
        assert seen == [(b"muheng", b"p@ss:word")]
        use(settings, mailbox, "smtp://muheng:wrong@127.0.0.1:{port}")
        say_it(city.clerk)
        run_pending()
        letter = Letter.objects.get(state=State.WAITING)
        assert (letter.reason, letter.attempts) == ("mail_login", 0)


def test_who_sets_channels_up_sees_whose_mail_did_not_go(city: Population, mailbox: Mailbox) -> None:
    mailbox.refused[wish(city.county_clerk)] = "550 no such user"
    mailbox.refused[wish(city.owner)] = "550 no such user"
    say_it(city.county_clerk, city.owner)
    run_pending()
    client = Client()
    client.force_login(city.chief)
    page = client.get("/notices/channels/").content.decode()
    assert "东山赵" in page
    assert "邮件服务器不收这个邮箱地址" in page
    assert "550 no such user" in page
    client.force_login(city.clerk)
    assert client.get("/notices/channels/").status_code == 403


def test_the_settings_of_mail() -> None:
    more = {"MUHENG_MAIL_FROM": "muheng@example.cn", "MUHENG_SITE": "https://muheng.example.cn/"}

    def found(address: str) -> tuple[Any, ...]:
        read = read_outside({"MUHENG_SMTP": address, **more})
        names = ("EMAIL_HOST", "EMAIL_PORT", "EMAIL_USE_SSL", "EMAIL_USE_TLS")
        return tuple(read[name] for name in names)

    assert found("smtp://mail") == ("mail", 25, False, False)
    assert found("smtp://u:p@mail") == ("mail", 587, False, True)
    assert found("smtp://u:p@mail:25?tls=no") == ("mail", 25, False, False)
    assert found("smtps://u:p@mail") == ("mail", 465, True, False)
    assert read_outside({}) == {"MAILING": False, "SITE": "", "WEBHOOK_HOSTS": ()}
    assert read_outside(more)["SITE"] == "https://muheng.example.cn"
    for wrong in (
        {"MUHENG_SMTP": "mail:25", **more},
        {"MUHENG_SMTP": "smtp://mail:0x", **more},
        {"MUHENG_SMTP": "smtp://u:geheim@mail:port", **more},
        {"MUHENG_SMTP": "smtp://mail", "MUHENG_SITE": "https://muheng.example.cn"},
        {"MUHENG_SMTP": "smtp://mail", "MUHENG_MAIL_FROM": "muheng@example.cn"},
        {"MUHENG_SITE": "muheng.example.cn"},
    ):
        with pytest.raises(ImproperlyConfigured) as error:
            read_outside(wrong)
        assert "geheim" not in str(error.value)


def test_what_nobody_foresaw_in_one_letter_does_not_stop_the_next(
    city: Population, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    wish(city.clerk)
    good = wish(city.chief)
    say_it(city.clerk)
    say_it(city.chief)
    real = letters.write_letter

    def stumble(letter: Letter, notices: Any) -> Any:
        if letter.person_id == city.clerk.pk:
            raise ZeroDivisionError
        return real(letter, notices)

    monkeypatch.setattr(letters, "write_letter", stumble)
    assert deliver_due() == 1
    assert len(mailbox.to(good)) == 1
    letter = Letter.objects.get(person=city.clerk)
    assert (letter.state, letter.reason, letter.answer) == (State.WAITING, "broken", "ZeroDivisionError")
