"""A batch from the drop to the undo: what is read, who may accept it, what is taken back."""

from __future__ import annotations

import pytest

from muheng.intake.facts import CODE
from muheng.intake.sheet_fix import SheetFix
from muheng.web.audit.actions import find_break
from muheng.web.audit.models import Entry
from muheng.web.intake.actions import (
    abandon,
    accept,
    add_workbooks,
    ask_to_accept,
    drop_workbooks,
    fix_mapping,
    remove_file,
    reread,
    undo,
)
from muheng.web.intake.models import Batch
from muheng.web.intake.queries import changes_of, kinds_of, problems_of, sheets_of
from muheng.web.jobs.actions import run_next, run_pending
from muheng.web.jobs.models import Job
from muheng.web.people.models import User
from muheng.web.refusal import Refused
from muheng.web.registry import panels
from muheng.web.registry.models import Enterprise, Layer, Panel
from web.population import Population, make_code

from .conftest import Read
from .workbooks import roster, roster_row, tax, taxes, upload

pytestmark = pytest.mark.django_db


def paid(year: int, code: str) -> object:
    facts = panels.current(year)
    assert facts is not None
    rows = facts.frame.filter(facts.frame[CODE] == code)
    return rows["入库税收"].item() if rows.height else None


def test_the_tax_bureau_drops_its_workbook_and_the_clerk_accepts_it(city: Population, read: Read) -> None:
    first, second = city.enterprises[:2]
    batch = read(city.data_clerk, tax(taxes([first, second], [10, 20])))
    assert batch.state == Batch.State.REVIEW
    assert (batch.count("imported"), batch.count("errors"), batch.count("enterprises")) == (2, 0, 2)
    assert panels.current(2025) is None
    with pytest.raises(Refused) as refused:
        accept(city.data_clerk, batch, reading=1)
    assert refused.value.status == 403
    accept(city.clerk, batch, reading=1)
    batch.refresh_from_db()
    assert batch.state == Batch.State.ACCEPTED
    assert batch.accepted_by == city.clerk
    assert batch.changes["figures"] == {"added": 2, "changed": 0, "same": 0, "removed": 0}
    assert (paid(2025, first.code), paid(2025, second.code)) == (1000, 2000)
    facts = panels.current(2025)
    assert facts is not None
    assert facts.cells(first.code, "入库税收")[0].file == "税务局.xlsx"
    verbs = list(Entry.objects.filter(kind="intake.batch").values_list("verb", flat=True))
    assert verbs == ["intake.drop", "intake.accept"]
    assert find_break() is None


def test_what_a_batch_would_change_is_told_before_and_kept_after(city: Population, read: Read) -> None:
    one, two, three = city.enterprises[:3]
    accept(city.clerk, read(city.clerk, tax(taxes([one, two], [10, 20]))), reading=1)
    batch = read(city.clerk, tax(taxes([one, two, three], [10, 25, 30]), "补报.xlsx"))
    (item,) = changes_of(batch)["items"]
    assert (item["item"], item["unit"]) == ("入库税收", "万元")
    assert (item["added"], item["changed"], item["same"]) == (1, 1, 1)
    assert item["examples"]["changed"] == [[two.code, two.name, "20.00", "25.00"]]
    # Another batch is accepted meanwhile: what this one would change is another matter now.
    accept(city.clerk, read(city.clerk, tax(taxes([three], [30]), "三.xlsx")), reading=1)
    batch.refresh_from_db()
    (item,) = changes_of(batch)["items"]
    assert (item["added"], item["changed"], item["same"]) == (0, 1, 2)
    accept(city.clerk, batch, reading=1)
    batch.refresh_from_db()
    assert batch.changes["items"][0]["changed"] == 1


def test_rows_with_errors_stay_out_and_somebody_says_so(city: Population, read: Read) -> None:
    one, two = city.enterprises[:2]
    batch = read(city.clerk, tax(taxes([one, two], ["12万", 20])))
    assert batch.count("errors") == 1
    with pytest.raises(Refused, match="有 1 处错误"):
        accept(city.clerk, batch, reading=1)
    with pytest.raises(Refused, match="有 1 处错误"):
        accept(city.clerk, batch, reading=1, withheld=2)
    accept(city.clerk, batch, reading=1, withheld=1)
    assert paid(2025, one.code) is None
    assert paid(2025, two.code) == 2000
    entry = Entry.objects.filter(verb="intake.accept").get()
    assert entry.detail["withheld"] == 1


def test_nothing_to_accept_is_refused(city: Population, read: Read) -> None:
    batch = read(city.clerk, upload("坏.xlsx", b"PK\x03\x04 nothing"))
    assert batch.state == Batch.State.REVIEW
    (sheet,) = sheets_of(batch)
    assert "已损坏" in sheet["what"]
    with pytest.raises(Refused, match="没有可以接受的数据"):
        accept(city.clerk, batch, reading=1, withheld=batch.count("errors"))


def test_undo_gives_back_exactly_what_was_before(city: Population, read: Read) -> None:
    accept(city.clerk, read(city.clerk, tax(taxes(city.enterprises[:5], range(5)))), reading=1)
    before = Panel.objects.get(pk=2025).folder
    batch = read(city.clerk, tax(taxes(city.enterprises[:8], range(10, 18)), "二.xlsx"))
    accept(city.clerk, batch, reading=1)
    assert Panel.objects.get(pk=2025).folder != before
    with pytest.raises(Refused, match="没有写撤销的原因"):
        undo(city.clerk, batch, "  ")
    undo(city.clerk, batch, "报错了年度")
    batch.refresh_from_db()
    assert (batch.state, batch.undone_why) == (Batch.State.UNDONE, "报错了年度")
    assert Panel.objects.get(pk=2025).folder == before
    with pytest.raises(Refused, match="没有被接受"):
        undo(city.clerk, batch, "再来")


def test_undoing_a_batch_below_leaves_the_ones_above(city: Population, read: Read) -> None:
    one, two = city.enterprises[:2]
    first = read(city.clerk, tax(taxes([one, two], [1, 2])))
    accept(city.clerk, first, reading=1)
    second = read(city.clerk, tax(taxes([one], [9]), "二.xlsx"))
    accept(city.clerk, second, reading=1)
    undo(city.clerk, first, "错")
    assert paid(2025, one.code) == 900
    assert paid(2025, two.code) is None
    undo(city.clerk, second, "错")
    assert panels.current(2025) is None
    assert Layer.objects.filter(removed_at=None).count() == 0


def test_a_county_brings_facts_of_its_own_enterprises_only(city: Population, read: Read) -> None:
    inside, outside = city.enterprises[0], city.enterprises[-1]
    batch = read(city.county_clerk, tax(taxes([inside, outside], [1, 2])))
    assert batch.count("enterprises") == 1
    (problem,) = problems_of(batch, severity="error").to_dicts()
    assert (problem["cell"], problem["code"]) == ("A3", outside.code)
    assert "不在您负责的区域内" in problem["what"]
    accept(city.county_clerk, batch, reading=1, withheld=1)
    assert paid(2025, outside.code) is None


def test_a_county_learns_no_names_of_another(city: Population, read: Read) -> None:
    inside, outside = city.enterprises[0], city.enterprises[-1]
    rows = [
        [outside.code, "谁家", "坏"],
        [None, outside.name + "厂", 2],
        [None, inside.name + "厂", 3],
    ]
    batch = read(city.county_clerk, tax(rows))
    told = " ".join(str(value) for row in problems_of(batch).rows() for value in row)
    assert outside.name + "。" not in told
    assert f"相近的有：{inside.name}" in told
    assert batch.count("errors") == 3


def test_a_new_enterprise_is_where_its_roster_says(city: Population, read: Read) -> None:
    here, there = city.townships[0].name, city.townships[2].name
    rows = [
        [make_code(101), "新来机械有限公司", "规下", "3411", here, "", ""],
        [make_code(102), "别处机械有限公司", "规下", "3411", there, "", ""],
        [make_code(103), "无处机械有限公司", "规下", "3411", "", "", ""],
    ]
    batch = read(city.county_clerk, roster(rows))
    assert batch.count("enterprises") == 1
    assert batch.count("errors") == 2
    accept(city.county_clerk, batch, reading=1, withheld=2)
    assert Enterprise.objects.filter(name__in=[row[1] for row in rows]).values_list(
        "code", flat=True
    ).get() == make_code(101)


def test_whoever_accepts_must_look_after_all_of_it(city: Population, read: Read) -> None:
    batch = read(city.county_clerk, tax(taxes(city.enterprises[:1], [1])))
    Enterprise.objects.filter(pk=city.enterprises[0].pk).update(
        county=city.counties[1], township=city.townships[2]
    )
    with pytest.raises(Refused, match="1 家企业不在您负责的区域内"):
        accept(User.objects.get(pk=city.county_clerk.pk), batch, reading=1)
    with pytest.raises(Refused) as refused:
        accept(city.other_county_clerk, batch, reading=1)
    assert refused.value.status == 403
    accept(city.clerk, batch, reading=1)


@pytest.mark.parametrize("who", ["leader", "owner"])
def test_who_has_no_right_hands_in_nothing(city: Population, who: str) -> None:
    with pytest.raises(Refused) as refused:
        drop_workbooks(city.people[who], 2025, [tax([])])
    assert refused.value.status == 403
    assert Batch.objects.count() == 0


def test_a_person_says_what_a_sheet_is(city: Population, read: Read) -> None:
    one = city.enterprises[0]
    odd = tax([[one.code, one.name, 50_000]], head=["编码", "谁", "多少"])
    batch = read(city.clerk, odd)
    assert batch.count("errors") > 0
    named = {"A": "统一社会信用代码", "B": "企业名称", "C": "入库税收"}
    fix = SheetFix("tax", "税收", header_row=1, columns=named, units={"C": "元"})
    with pytest.raises(Refused, match="没有工作表"):
        fix_mapping(city.clerk, batch, {("税务局.xlsx", "别的"): fix})
    with pytest.raises(Refused, match="没有 Z 列") as refused:
        fix_mapping(
            city.clerk, batch, {("税务局.xlsx", "税收"): SheetFix("tax", "税收", columns={"Z": "入库税收"})}
        )
    assert refused.value.status == 422
    batch = fix_mapping(city.clerk, batch, {("税务局.xlsx", "税收"): fix})
    assert (batch.state, batch.reading) == (Batch.State.READING, 2)
    run_pending()
    batch.refresh_from_db()
    assert batch.count("errors") == 0
    # What was looked at before is not what would be accepted now.
    with pytest.raises(Refused, match="不是最新一次读取"):
        accept(city.clerk, batch, reading=1)
    accept(city.clerk, batch, reading=2)
    assert paid(2025, one.code) == 500


def test_a_decision_is_taken_back(city: Population, read: Read) -> None:
    batch = read(city.clerk, tax(taxes(city.enterprises[:1], [1])))
    key = ("税务局.xlsx", "税收")
    fix_mapping(city.clerk, batch, {key: SheetFix(ignore=True)})
    run_pending()
    batch.refresh_from_db()
    assert sheets_of(batch)[0]["ignored"]
    fix_mapping(city.clerk, batch, {key: None})
    run_pending()
    batch.refresh_from_db()
    assert (batch.fixes, batch.count("imported")) == ([], 1)


def test_a_decision_that_a_replaced_file_no_longer_bears_stops_the_reading_in_words(
    city: Population, read: Read
) -> None:
    batch = read(city.clerk, tax(taxes(city.enterprises[:1], [1])))
    fix_mapping(city.clerk, batch, {("税务局.xlsx", "税收"): SheetFix(ignore=True)})
    run_pending()
    other = upload("税务局.xlsx", roster([]).read())
    add_workbooks(city.clerk, Batch.objects.get(), [other])
    run_pending()
    batch = Batch.objects.get()
    assert batch.stopped
    assert batch.job is not None
    assert "改动用不上" in batch.job.error
    reread(city.clerk, batch, forget=True)
    run_pending()
    batch.refresh_from_db()
    assert batch.state == Batch.State.REVIEW


def test_files_are_added_replaced_and_taken_out(city: Population, read: Read) -> None:
    one, two = city.enterprises[:2]
    batch = read(city.clerk, tax(taxes([one], ["坏"])), tax(taxes([two], [2]), "二.xlsx"))
    assert batch.count("errors") == 1
    add_workbooks(city.clerk, batch, [tax(taxes([one], [1]))])
    run_pending()
    batch.refresh_from_db()
    assert (batch.count("errors"), batch.files.count(), batch.reading) == (0, 2, 2)
    remove_file(city.clerk, batch.files.get(name="二.xlsx"))
    run_pending()
    batch.refresh_from_db()
    assert batch.count("enterprises") == 1
    with pytest.raises(Refused, match="最后一个文件"):
        remove_file(city.clerk, batch.files.get())


def test_a_closed_batch_stays_as_it_is(city: Population, read: Read) -> None:
    batch = read(city.clerk, tax(taxes(city.enterprises[:1], [1])))
    abandon(city.clerk, batch)
    batch.refresh_from_db()
    assert batch.state == Batch.State.ABANDONED
    for deed in (
        lambda: accept(city.clerk, batch, reading=batch.reading),
        lambda: abandon(city.clerk, batch),
        lambda: reread(city.clerk, batch),
        lambda: add_workbooks(city.clerk, batch, [tax([])]),
        lambda: fix_mapping(city.clerk, batch, {("税务局.xlsx", "税收"): SheetFix(ignore=True)}),
    ):
        with pytest.raises(Refused, match="这一批已放弃，不能再改"):
            deed()


def test_a_reading_is_stopped_and_begun_again(city: Population) -> None:
    batch = drop_workbooks(city.clerk, 2025, [tax(taxes(city.enterprises[:1], [1]))])
    job = batch.job
    assert job is not None
    Job.objects.filter(pk=job.pk).update(cancel_asked=True)
    run_pending()
    batch.refresh_from_db()
    assert (batch.state, batch.stopped) == (Batch.State.READING, True)
    with pytest.raises(Refused, match="还没有读完"):
        accept(city.clerk, batch, reading=1)
    reread(city.clerk, batch)
    run_pending()
    batch.refresh_from_db()
    assert batch.state == Batch.State.REVIEW


def test_a_worker_that_died_is_followed_by_another(city: Population, monkeypatch: pytest.MonkeyPatch) -> None:
    from datetime import timedelta

    from django.utils import timezone

    from muheng.web.intake import tasks

    batch = drop_workbooks(city.clerk, 2025, [tax(taxes(city.enterprises[:1], [1]))])

    class Killed(BaseException):
        pass

    def die(*_args: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        # Everything is read, and the process is gone before what was found is kept.
        patch.setattr(tasks, "store_review", die)
        with pytest.raises(Killed):
            run_next()
    job = Job.objects.get()
    assert job.state == Job.State.RUNNING
    assert run_next() is None
    Job.objects.update(beat=timezone.now() - timedelta(minutes=5))
    run_pending()
    batch.refresh_from_db()
    assert (batch.state, batch.count("imported")) == (Batch.State.REVIEW, 1)
    job.refresh_from_db()
    assert job.attempts == 2


def test_a_reading_that_was_overtaken_writes_nothing(city: Population) -> None:
    batch = drop_workbooks(city.clerk, 2025, [tax(taxes(city.enterprises[:1], [1]))])
    Batch.objects.filter(pk=batch.pk).update(reading=2)
    run_pending()
    batch.refresh_from_db()
    assert (batch.state, batch.review) == (Batch.State.READING, "")


def test_problems_are_found_by_kind_file_and_words(city: Population, read: Read) -> None:
    rows = [*taxes(city.enterprises[:3], ["坏", "-", "也坏"]), [make_code(99), "外地有限公司", 3]]
    batch = read(city.clerk, tax(rows))
    kinds = kinds_of(batch)
    assert (kinds[0]["severity"], kinds[0]["count"]) == ("error", 2)
    assert problems_of(batch, kind=kinds[0]["kind"]).height == 2
    assert problems_of(batch, text="外地").height == 1
    assert problems_of(batch, file="没有.xlsx").height == 0
    assert problems_of(batch, severity="error").height == batch.count("errors")


def test_a_roster_opens_files_and_keeps_history(city: Population, read: Read) -> None:
    one, two = city.enterprises[:2]
    rows = [
        roster_row(one, name="东山精工装备有限公司", township=city.townships[1].name, scale="规上"),
        roster_row(two, tags="高新技术企业|专精特新:省级"),
        [
            make_code(101),
            "新来机械有限公司",
            "规下",
            "3411",
            city.townships[2].name,
            "东山开发区",
            "绿色工厂",
        ],
    ]
    before = {each.code: (each.name, each.scale, each.township_id) for each in (one, two)}
    batch = read(city.clerk, roster(rows), tax([[make_code(101), "新来机械有限公司", 5]]))
    accept(city.clerk, batch, reading=1, withheld=batch.count("errors"))
    one.refresh_from_db()
    assert (one.name, one.scale, one.township) == ("东山精工装备有限公司", "规上", city.townships[1])
    assert [(row.name, row.until is None) for row in one.names.all()][-1] == ("东山精工装备有限公司", True)
    assert "东山精工机械有限公司" in one.search.text
    assert {(row.attribute, row.value) for row in one.attributes.filter(until=None)} == {
        ("scale", "规上"), ("township", city.townships[1].name),
    }  # fmt: skip
    assert set(two.statuses.values_list("status", "level")) == {("高新技术企业", ""), ("专精特新", "省级")}
    new = Enterprise.objects.get(code=make_code(101))
    assert (new.county, new.township) == (city.counties[1], city.townships[2])
    assert list(new.parks.all()) == [city.park]
    assert "xljx" in new.search.text
    # A row under the old name is known by it.
    old = read(city.clerk, tax([[None, before[one.code][0], 7]], "旧名.xlsx"))
    assert old.count("imported") == 1
    batch.refresh_from_db()
    undo(city.clerk, batch, "名单有误")
    one.refresh_from_db()
    assert (one.name, one.scale, one.township_id) == before[one.code]
    assert [(row.name, row.until) for row in one.names.all()] == [(before[one.code][0], None)]
    assert not two.statuses.exists()
    assert not Enterprise.objects.filter(code=make_code(101)).exists()


def test_an_older_roster_changes_no_file_but_gives_former_names(city: Population, read: Read) -> None:
    one = city.enterprises[0]
    accept(city.clerk, read(city.clerk, roster([roster_row(one)])), reading=1)
    old = read(city.clerk, roster([roster_row(one, name="东山机械厂", scale="规上")]), year=2023)
    accept(city.clerk, old, reading=1, withheld=old.count("errors"))
    one.refresh_from_db()
    assert (one.name, one.scale) == ("东山精工机械有限公司", "规下")
    assert "东山机械厂" in one.search.text
    assert one.attributes.count() == 0


def test_an_enterprise_that_is_needed_elsewhere_stays_when_its_roster_is_undone(
    city: Population, read: Read
) -> None:
    rows = [
        [make_code(n), f"新{n}有限公司", "规下", "3411", city.townships[0].name, "", ""] for n in (101, 102)
    ]
    batch = read(city.clerk, roster(rows))
    accept(city.clerk, batch, reading=1, withheld=batch.count("errors"))
    accept(city.clerk, read(city.clerk, tax([[make_code(101), "新101有限公司", 5]])), reading=1)
    batch.refresh_from_db()
    undo(city.clerk, batch, "重报")
    left = Enterprise.objects.filter(code__in=[make_code(101), make_code(102)])
    assert list(left.values_list("code", flat=True)) == [make_code(101)]


def test_a_large_batch_is_accepted_in_the_background(
    city: Population, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    from muheng.web.intake import actions

    monkeypatch.setattr(actions, "AT_ONCE", 1)
    new = [make_code(101), "新来机械有限公司", "规下", "3411", city.townships[2].name, "", ""]
    batch = read(
        city.clerk,
        tax(taxes(city.enterprises[:2], ["坏", 2])),
        roster([*map(roster_row, city.enterprises[:2]), new]),
    )
    with pytest.raises(Refused, match="有 1 处错误"):
        ask_to_accept(city.clerk, batch, reading=1)
    ask_to_accept(city.clerk, batch, reading=1, withheld=1)
    batch.refresh_from_db()
    assert (batch.state, panels.current(2025)) == (Batch.State.REVIEW, None)
    with pytest.raises(Refused, match="正在办理"):
        ask_to_accept(city.chief, batch, reading=1, withheld=1)
    run_pending()
    batch.refresh_from_db()
    assert (batch.state, batch.accepted_by) == (Batch.State.ACCEPTED, city.clerk)
    assert paid(2025, city.enterprises[1].code) == 200
    assert "xljx" in Enterprise.objects.get(code=make_code(101)).search.text
    # The worker died after the deed and before it said so: the next one finds it done.
    Job.objects.filter(pk=batch.job_id).update(state=Job.State.WAITING)
    run_pending()
    assert Job.objects.get(pk=batch.job_id).state == Job.State.DONE
    assert Layer.objects.count() == 1


def test_layers_that_do_not_fit_are_refused_in_words(
    city: Population, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    from muheng.web.intake import reading

    accept(city.clerk, read(city.clerk, tax(taxes(city.enterprises[:1], [1]))), reading=1)
    layouts = reading.city_layouts()
    (own,) = [layout for layout in layouts if layout.id == "tax"]
    sheet = own.sheet["税收"]
    paid_in = sheet.columns["入库税收"].model_copy(update={"digits": 4})
    changed = own.model_copy(
        update={
            "sheet": {"税收": sheet.model_copy(update={"columns": {**sheet.columns, "入库税收": paid_in}})}
        }
    )
    others = tuple(changed if layout.id == "tax" else layout for layout in layouts)
    monkeypatch.setattr(reading, "city_layouts", lambda: others)
    batch = read(city.clerk, tax(taxes(city.enterprises[:1], [2]), "二.xlsx"))
    assert batch.stopped
    assert "不能叠在一起" in batch.job.error
    assert paid(2025, city.enterprises[0].code) == 100


def test_what_nobody_sees_is_not_kept(city: Population, read: Read) -> None:
    batch = drop_workbooks(
        city.clerk, 2025, [tax(taxes(city.enterprises[:1], [1]))], title=" 税\x00务\u202e "
    )
    assert batch.title == "税务"
    run_pending()
    batch.refresh_from_db()
    accept(city.clerk, batch, reading=1)
    with pytest.raises(Refused, match="没有写撤销的原因"):
        undo(city.clerk, batch, "\x00 ")


def test_the_file_of_one_that_was_merged_stays_closed(city: Population, read: Read) -> None:
    one, two = city.enterprises[:2]
    Enterprise.objects.filter(pk=one.pk).update(merged_into=two)
    batch = read(city.clerk, roster([roster_row(one, name="改过的名字有限公司")]))
    accept(city.clerk, batch, reading=1, withheld=batch.count("errors"))
    one.refresh_from_db()
    assert one.name == "东山精工机械有限公司"
