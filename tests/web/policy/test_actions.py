"""What is done with methods: who may, what is refused, that a final text stays, that nothing is half done."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest
from django.db import DatabaseError, connection, transaction

from muheng.cities.pack import Pack, find_pack, load_pack
from muheng.policy.compile import compile_policy
from muheng.web.audit.actions import find_break
from muheng.web.audit.models import Entry
from muheng.web.policy.actions import (
    ChangedMeanwhile,
    copy_policy,
    discard_draft,
    finalise,
    reinstate,
    retire,
    save_draft,
    start_draft,
    take_shipped,
)
from muheng.web.policy.models import FinalTextError, PolicyDocument, PolicyVersion, Saving
from muheng.web.refusal import Refused
from web.policy.materials import BROKEN, NO_TOML, TEXT, WIDER, make_version
from web.population import Population, make_city

pytestmark = pytest.mark.django_db


@pytest.fixture
def city() -> Population:
    return make_city()


def pack(name: str = "huangyan") -> Pack:
    found, _diagnostics = load_pack(find_pack(name))
    assert found is not None
    return found


def stored(version: PolicyVersion) -> PolicyVersion:
    return PolicyVersion.objects.get(pk=version.pk)


# -- shipped methods ---------------------------------------------------------------------------------------------


def test_a_pack_is_taken_once() -> None:
    added = take_shipped(pack())
    assert [version.document.slug for version in added] == ["zj-huangyan-2021", "zj-huangyan-2022"]
    assert all(version.final and version.document.shipped for version in added)
    assert take_shipped(pack()) == []
    assert PolicyVersion.objects.count() == 2
    assert Entry.objects.filter(verb="policy.take_shipped").count() == 2


def test_a_text_that_the_software_changed_is_the_next_version(tmp_path: Path) -> None:
    take_shipped(pack())
    files = []
    for source in pack().policies:
        file = tmp_path / source.name
        file.write_text(
            source.read_text(encoding="utf-8").replace("base = 24.097", "base = 25"), encoding="utf-8"
        )
        files.append(file)
    (second,) = take_shipped(replace(pack(), policies=tuple(files)))
    assert (second.document.slug, second.number) == ("zj-huangyan-2022", 2)
    assert second.base is not None
    assert second.base.number == 1
    assert "base = 24.097" in second.base.text


def test_a_method_of_the_places_own_is_not_overwritten(city: Population) -> None:
    mine = make_version(TEXT, slug="zj-huangyan-2022", final=False)
    take_shipped(pack())
    assert list(mine.document.versions.all()) == [mine]


# -- copies and drafts -------------------------------------------------------------------------------------------


def test_a_copy_has_its_own_number_and_compiles(city: Population) -> None:
    take_shipped(pack())
    base = PolicyVersion.objects.get(document__slug="zj-huangyan-2022")
    copy = copy_policy(base, city.chief, "my-2026", "我市办法")
    assert (copy.state, copy.document.title, copy.base, copy.document.shipped) == (
        "draft",
        "我市办法",
        base,
        False,
    )
    plan = compile_policy(copy.text).plan
    assert plan is not None
    assert plan.document.policy.id == "my-2026"
    again = copy_policy(base, city.chief)
    third = copy_policy(base, city.chief)
    assert [again.document.slug, third.document.slug] == ["zj-huangyan-2022-copy1", "zj-huangyan-2022-copy2"]


@pytest.mark.parametrize("slug", ["大写", "A", "-a", "a b", "compare", "../x", "a" * 90, "a_b"])
def test_a_number_that_cannot_be(city: Population, slug: str) -> None:
    base = make_version()
    with pytest.raises(Refused) as refused:
        copy_policy(base, city.chief, slug, "x")
    assert refused.value.at == "slug"
    assert PolicyDocument.objects.count() == 1


def test_what_cannot_be_read_is_not_copied(city: Population) -> None:
    with pytest.raises(Refused):
        copy_policy(make_version(NO_TOML, final=False), city.chief, "other")
    assert PolicyDocument.objects.count() == 1


def test_one_draft_of_a_method_at_a_time(city: Population) -> None:
    final = make_version()
    draft = start_draft(final, city.chief)
    assert (draft.number, draft.text, draft.base) == (2, TEXT, final)
    assert start_draft(final, city.chief) == draft


def test_shipped_and_retired_methods_are_not_drafted(city: Population) -> None:
    take_shipped(pack())
    with pytest.raises(Refused, match="不能直接修改"):
        start_draft(PolicyVersion.objects.all()[0], city.chief)
    own = make_version()
    retire(own.document, city.chief, "改用新办法")
    with pytest.raises(Refused, match="停用"):
        start_draft(own, city.chief)
    reinstate(own.document, city.chief)
    assert start_draft(own, city.chief).number == 2


def test_saving_keeps_every_text_and_who_wrote_it(city: Population) -> None:
    draft = make_version(final=False, author=city.clerk)
    saved = save_draft(draft, city.chief, BROKEN.replace("测试办法", "新名称"), draft.sha256, "权重")
    assert saved.document.title == "新名称"
    assert [each.author for each in Saving.objects.order_by("pk")] == [city.clerk, city.chief]
    # The same text again is not another saving.
    save_draft(saved, city.chief, saved.text, saved.sha256)
    assert Saving.objects.count() == 2


def test_the_second_editor_is_told_what_changed(city: Population) -> None:
    draft = make_version(final=False)
    save_draft(draft, city.chief, WIDER, draft.sha256)
    with pytest.raises(ChangedMeanwhile) as told:
        save_draft(draft, city.chief, BROKEN, draft.sha256)
    assert told.value.changes == ("定级办法的名额的“A”由25%改为50%",)
    assert told.value.author == city.chief
    assert stored(draft).text == WIDER
    assert told.value.body()["sha256"] == stored(draft).sha256
    # Both wrote the same: nothing to be told.
    save_draft(draft, city.chief, WIDER, draft.sha256)


@pytest.mark.parametrize("text", ["x\x00y", "\ud800", "啊" * 200_000])
def test_what_no_file_holds_is_refused(city: Population, text: str) -> None:
    draft = make_version(final=False)
    with pytest.raises(Refused) as refused:
        save_draft(draft, city.chief, text, draft.sha256)
    assert refused.value.status == 422
    assert stored(draft).text == TEXT


def test_a_draft_is_discarded_with_its_method_if_it_was_all(city: Population) -> None:
    final = make_version()
    draft = start_draft(final, city.chief)
    assert discard_draft(draft, city.chief) == final.document
    alone = copy_policy(final, city.chief, "alone")
    used = copy_policy(alone, city.chief, "used")
    with pytest.raises(Refused, match="另起"):
        discard_draft(alone, city.chief)
    assert discard_draft(used, city.chief) is None
    assert discard_draft(alone, city.chief) is None
    assert list(PolicyDocument.objects.values_list("slug", flat=True)) == ["test-2025"]
    with pytest.raises(Refused) as gone:
        save_draft(alone, city.chief, TEXT, alone.sha256)
    assert gone.value.status == 410


# -- final texts -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BROKEN, "权重合计 90"),
        (NO_TOML, "第 "),
        (TEXT.replace("test-2025", "another"), "第 3 行：编号写的是“another”"),
    ],
)
def test_errors_keep_a_draft_from_being_final(city: Population, text: str, said: str) -> None:
    draft = make_version(text, final=False)
    with pytest.raises(Refused, match="不能定稿") as refused:
        finalise(draft, city.chief, draft.sha256)
    assert said in refused.value.fix
    assert not stored(draft).final


def test_only_what_was_seen_is_made_final(city: Population) -> None:
    draft = make_version(final=False)
    save_draft(draft, city.chief, WIDER, draft.sha256)
    with pytest.raises(ChangedMeanwhile):
        finalise(draft, city.chief, draft.sha256)
    done = finalise(draft, city.chief, stored(draft).sha256)
    assert (done.final, done.finalised_by) == (True, city.chief)
    assert done.finalised_at is not None


def test_a_final_text_is_changed_by_no_way(city: Population) -> None:
    final = make_version()
    for deed in (
        lambda: save_draft(final, city.chief, WIDER, final.sha256),
        lambda: finalise(final, city.chief, final.sha256),
        lambda: discard_draft(final, city.chief),
    ):
        with pytest.raises(Refused, match="定稿不能修改"):
            deed()
    final.text = WIDER
    with pytest.raises(FinalTextError):
        final.save()
    with pytest.raises(FinalTextError):
        final.delete()
    for change in ({"text": WIDER}, {"state": "draft"}, {"sha256": "0" * 64}, {"number": 9}):
        with pytest.raises(DatabaseError), transaction.atomic():
            PolicyVersion.objects.filter(pk=final.pk).update(**change)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE policy_policyversion SET text = 'x' WHERE id = %s", [final.pk])
    assert stored(final).text == TEXT
    # What is not the text may still be put right.
    PolicyVersion.objects.filter(pk=final.pk).update(note="附注")


# -- rights and the book -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["clerk", "leader", "data_clerk", "owner"])
def test_who_may_not(city: Population, name: str) -> None:
    person = city.people[name]
    final, draft = make_version(), make_version(TEXT.replace("test-2025", "two"), slug="two", final=False)
    for deed in (
        lambda: copy_policy(final, person, "x"),
        lambda: start_draft(final, person),
        lambda: save_draft(draft, person, WIDER, draft.sha256),
        lambda: finalise(draft, person, draft.sha256),
        lambda: discard_draft(draft, person),
        lambda: retire(final.document, person, "x"),
        lambda: reinstate(final.document, person),
    ):
        with pytest.raises(Refused) as refused:
            deed()
        assert refused.value.status == 403
    assert not Entry.objects.filter(verb__startswith="policy.").exists()


def test_every_deed_is_in_the_book(city: Population) -> None:
    final = make_version()
    copy = copy_policy(final, city.chief, "copy")
    save_draft(copy, city.chief, copy.text + "\n# 注\n", copy.sha256)
    finalise(copy, city.chief, stored(copy).sha256)
    discard_draft(start_draft(copy, city.chief), city.chief)
    retire(copy.document, city.chief, "原因")
    reinstate(copy.document, city.chief)
    verbs = Entry.objects.filter(verb__startswith="policy.").order_by("number").values_list("verb", flat=True)
    assert list(verbs) == [
        f"policy.{verb}"
        for verb in ("copy", "save_draft", "finalise", "start_draft", "discard_draft", "retire", "reinstate")
    ]
    assert find_break() is None
    with pytest.raises(Refused, match="原因"):
        retire(copy.document, city.chief, "  ")


@pytest.mark.django_db(transaction=True)
def test_two_who_save_at_the_same_moment(city: Population) -> None:
    """One is kept, the other is told; never both, never a mixture."""
    draft = make_version(final=False)
    texts = [TEXT + f"# {number}\n" for number in range(4)]
    gate, kept, told = threading.Barrier(len(texts)), [], []

    def save(text: str) -> None:
        try:
            gate.wait(10)
            save_draft(draft, city.chief, text, draft.sha256)
            kept.append(text)
        except ChangedMeanwhile:
            told.append(text)
        finally:
            connection.close()

    threads = [threading.Thread(target=save, args=(text,)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert (len(kept), len(told)) == (1, 3)
    assert stored(draft).text == kept[0]
    assert find_break() is None
