"""The book of deeds: whole, in order, in the deed's own transaction, and telling where it was tampered with."""

from __future__ import annotations

from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection, transaction

from muheng.web.audit.actions import FIRST, digest, find_break, record
from muheng.web.audit.models import Entry
from muheng.web.people.models import Organisation, User

pytestmark = pytest.mark.django_db


@pytest.fixture
def person() -> User:
    return User.objects.create_user("zhao", "赵某", "yi-ge-chang-mi-ma")


def write(person: User | None, count: int) -> None:
    for number in range(count):
        with transaction.atomic():
            place = Organisation.objects.create(kind="city", name=f"市{number}")
            record(person, "test.found", place, number=number, 说明="“引号”\n换行")


def test_rows_follow_each_other(person: User) -> None:
    write(person, 5)
    entries = list(Entry.objects.all())
    assert [entry.number for entry in entries] == [1, 2, 3, 4, 5]
    assert [entry.previous for entry in entries] == [FIRST, *(entry.digest for entry in entries[:-1])]
    assert (entries[0].actor, entries[0].actor_id) == ("赵某", person.pk)
    assert entries[2].title == "市2"
    assert entries[2].detail == {"number": 2, "说明": "“引号”\n换行"}
    assert find_break() is None


def test_the_site_itself_may_act() -> None:
    write(None, 1)
    assert Entry.objects.get().actor_id is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("actor", "钱某"),
        ("verb", "test.other"),
        ("detail", {"number": 9}),
        ("title", "别的"),
        ("previous", "f" * 64),
        ("actor_id", None),
    ],
)
def test_a_changed_row_is_named(person: User, field: str, value: Any) -> None:
    write(person, 4)
    Entry.objects.filter(number=2).update(**{field: value})
    assert find_break() == 2


def test_a_row_made_to_fit_again_breaks_the_next(person: User) -> None:
    write(person, 4)
    entry = Entry.objects.get(number=2)
    entry.verb = "test.other"
    Entry.objects.filter(number=2).update(verb=entry.verb, digest=digest(entry))
    assert find_break() == 3


@pytest.mark.parametrize("number", [1, 2])
def test_a_row_taken_out_is_missed(person: User, number: int) -> None:
    write(person, 3)
    Entry.objects.filter(number=number).delete()
    assert find_break() == number


def test_a_deed_that_fails_leaves_no_row(person: User) -> None:
    class Interrupted(Exception):
        pass

    @transaction.atomic
    def deed() -> None:
        record(person, "test.found", Organisation.objects.create(kind="city", name="市"))
        raise Interrupted

    with pytest.raises(Interrupted):
        deed()
    assert not Entry.objects.exists()
    assert not Organisation.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_deed_outside_of_a_transaction_is_refused(person: User) -> None:
    with pytest.raises(transaction.TransactionManagementError):
        record(person, "test.nothing", person)


@pytest.mark.django_db(transaction=True)
def test_many_hands_write_one_book(person: User) -> None:
    start, failures = Barrier(4), []

    def hand() -> None:
        try:
            start.wait(10)
            for _ in range(8):
                with transaction.atomic():
                    record(person, "test.act", person)
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    hands = [Thread(target=hand) for _ in range(4)]
    for each in hands:
        each.start()
    for each in hands:
        each.join(60)
    assert failures == []
    assert Entry.objects.count() == 32
    assert find_break() is None
