"""Every diagnostic of a case-type file: found, on its line, with how to mend it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from muheng.casework.case_type import load_type, load_types
from muheng.casework.document import CaseType
from muheng.cities.pack import COMMON_CASES

GOOD = """
id = "matter"
name = "小事"
english = "Matter"
prefix = "XS"
subject = "enterprise"
erase_after_days = 100
merged = "merged"
labels = ["照片"]

[[kind]]
id = "a"
name = "甲"
english = "A"

[[field]]
id = "title"
name = "标题"
english = "Title"

[[field]]
id = "phone"
name = "电话"
english = "Phone"
personal = true

[[field]]
id = "result"
name = "结果"
english = "Result"
opening = "none"

[[state]]
id = "work"
name = "在办"
english = "In hand"
phase = "open"
waits_for = "handler"

[[state]]
id = "held"
name = "暂停"
english = "Held"
phase = "open"
waits_for = "desk"

[[state]]
id = "answered"
name = "已答复"
english = "Answered"
phase = "answered"
waits_for = "enterprise"

[[state]]
id = "closed"
name = "办结"
english = "Closed"
phase = "closed"
waits_for = "nobody"

[[state]]
id = "merged"
name = "已合并"
english = "Merged"
phase = "void"
waits_for = "nobody"

[opening]
state = "work"
by = ["enterprise", "desk"]
starts = ["limit"]
attachments = ["照片"]

[[act]]
id = "pause"
name = "暂停"
english = "Pause"
from = ["work"]
to = "held"
by = ["desk"]
reasons = ["等材料"]
pauses = ["limit"]

[[act]]
id = "resume"
name = "恢复"
english = "Resume"
from = ["held"]
to = "work"
by = ["desk"]
resumes = ["limit"]

[[act]]
id = "extend"
name = "延期"
english = "Extend"
from = ["work"]
by = ["leader"]
note = "required"
extends = ["limit"]

[[act]]
id = "answer"
name = "答复"
english = "Answer"
from = ["work"]
to = "answered"
by = ["handler"]
fields = ["result"]
attachments = ["照片"]
stops = ["limit"]

[[act]]
id = "confirm"
name = "确认"
english = "Confirm"
from = ["answered"]
by = ["enterprise"]
confirms = true

[[act]]
id = "look_again"
name = "回访"
english = "Revisit"
from = ["answered"]
by = ["desk"]
opens = ["revisit"]

[[act]]
id = "close"
name = "办结"
english = "Close"
from = ["answered"]
to = "closed"
by = ["desk"]
needs = { confirmed = true, children = true, closed = ["revisit"], evidence = ["照片"], fields = ["result"] }

[[act]]
id = "rate"
name = "评价"
english = "Rate"
from = ["closed"]
by = ["enterprise"]
asks_rating = true

[[act]]
id = "reopen"
name = "重办"
english = "Reopen"
from = ["closed"]
to = "work"
by = ["enterprise"]
note = "required"
reopens = true
within_days = 15
starts = ["limit"]

[[clock]]
id = "limit"
name = "时限"
english = "Limit"
nature = "promised"
unit = "working"
days = 5
by_kind = { a = 3 }
extension = { times = 1, days = 3 }
warn_at = ["50%", "80%"]
basis = "测试"

[[escalation]]
clock = "limit"
at = "100%"
levels = 1

[[escalation]]
clock = "limit"
overdue_days = 3
levels = 2
"""

BAD = [
    # names
    ('id = "held"', 'id = "work"', "“work”重复"),
    ('name = "暂停"\nenglish = "Held"', 'name = "在办"\nenglish = "Held"', "“在办”重复"),
    ('id = "pause"', 'id = "urge"', "各类型都有的动作"),
    ('state = "work"', 'state = "wrok"', "没有名为“wrok”的状态"),
    ('from = ["held"]', 'from = ["hold"]', "没有名为“hold”的状态"),
    ('to = "answered"', 'to = "done"', "没有名为“done”的状态"),
    ('merged = "merged"', 'merged = "gone"', "没有名为“gone”的状态"),
    ('starts = ["limit"]\nattachments', 'starts = ["limits"]\nattachments', "没有名为“limits”的时限"),
    ('stops = ["limit"]', 'stops = ["legal"]', "没有名为“legal”的时限"),
    ('clock = "limit"\nat', 'clock = "legal"\nat', "没有名为“legal”的时限"),
    ('fields = ["result"]\natt', 'fields = ["outcome"]\natt', "没有名为“outcome”的填写内容"),
    ('fields = ["result"] }', 'fields = ["outcome"] }', "没有名为“outcome”的填写内容"),
    ('evidence = ["照片"]', 'evidence = ["相片"]', "没有名为“相片”的附件种类"),
    ('attachments = ["照片"]\nstops', 'attachments = ["相片"]\nstops', "没有名为“相片”的附件种类"),
    ("by_kind = { a = 3 }", "by_kind = { b = 3 }", "没有名为“b”的类别"),
    ("personal = true", 'personal = true\nkinds = ["b"]', "没有名为“b”的类别"),
    # what is asked
    ('opening = "none"', 'opening = "none"\ntype = "choice"', "没有写可选哪些"),
    ('opening = "none"', 'opening = "none"\nchoices = ["好"]', "不是选项"),
    ('opening = "none"', 'opening = "none"\nunit = "亩"', "只有数才写单位"),
    ("personal = true", 'personal = true\ntype = "flag"', "个人信息只能是文字"),
    ('english = "Title"', 'english = "Title"\nopening = "none"', "也没有动作填写它"),
    ("erase_after_days = 100\n", "", "没有写办结多少天后抹去"),
    ("personal = true\n", "", "没有个人信息，却写了"),
    # states
    ('state = "work"', 'state = "answered"', "不是在办"),
    ('merged = "merged"', 'merged = "closed"', "不是作废"),
    ('to = "held"\n', "", "没有动作走到“暂停”"),
    ('from = ["held"]\nto = "work"', 'from = ["held"]', "是死路"),
    ('to = "closed"\n', "", "没有一条路走到办结"),
    ('phase = "open"\nwaits_for = "handler"', 'phase = "open"\nwaits_for = "nobody"', "没有写等谁"),
    ('phase = "open"\nwaits_for = "desk"', 'phase = "open"\nwaits_for = "room"', "却没有其他业务能做的动作"),
    ('phase = "closed"\nwaits_for = "nobody"', 'phase = "closed"\nwaits_for = "desk"', "不该再等谁"),
    # acts
    ('from = ["work"]\nby = ["leader"]', 'from = ["work", "merged"]\nby = ["leader"]', "已经作废"),
    ("reopens = true\nwithin_days = 15\n", "", "没有写是重新办理"),
    ("asks_rating = true", "asks_rating = true\nreopens = true", "重新办理只能从办结"),
    ("confirms = true", "confirms = true\nwithin_days = 3", "只有重新办理才限天数"),
    ('by = ["enterprise"]\nconfirms', 'by = ["enterprise", "desk"]\nconfirms', "确认只能由企业"),
    ('by = ["enterprise"]\nasks', 'by = ["handler"]\nasks', "评价只能由企业"),
    ('from = ["closed"]\nby', 'from = ["work", "closed"]\nby', "还没有答复就请企业评价"),
    ('by = ["leader"]\nnote = "required"', 'by = ["leader"]', "延期要写明理由"),
    ('reasons = ["等材料"]\n', "", "暂停计时要写明理由"),
    ('stops = ["limit"]', 'stops = ["limit"]\nreturns = true', "退回要写明理由"),
    ('by = ["enterprise"]\nasks', 'by = ["enterprise"]\ninternal = true\nasks', "不能只给工作人员看"),
    ('opens = ["revisit"]', 'opens = ["revisit"]\nbulk = true', "不能成批"),
    ('subject = "enterprise"', 'subject = "place"', "没有企业可以办"),
    # clocks
    ('stops = ["limit"]', "", "时限“时限”没有停"),
    ('resumes = ["limit"]', 'starts = ["limit"]', "可能已经在计"),
    ('from = ["answered"]\nby = ["desk"]', 'from = ["answered"]\nby = ["desk"]\nstops = ["limit"]', "没有正待停下"),
    ('from = ["answered"]\nby = ["desk"]', 'from = ["answered"]\nnote = "required"\nby = ["desk"]\npauses = ["limit"]', "没有正待暂停"),
    ('from = ["answered"]\nby = ["desk"]', 'from = ["answered"]\nby = ["desk"]\nresumes = ["limit"]', "没有正待恢复"),
    ('from = ["answered"]\nby = ["desk"]', 'from = ["answered"]\nnote = "required"\nby = ["desk"]\nextends = ["limit"]', "没有正待延长"),
    ("extension = { times = 1, days = 3 }\n", "", "没有写怎样延长"),
    ('warn_at = ["50%", "80%"]', 'warn_at = ["80%", "50%"]', "由早到晚"),
    ('warn_at = ["50%", "80%"]', 'warn_at = ["50%", "120%"]', "“120%”不是"),
    ('warn_at = ["50%", "80%"]', 'warn_at = ["半"]', "“半”不是"),
    # escalations
    ('at = "100%"\n', "", "应写一项，也只写一项"),
    ("overdue_days = 3", 'overdue_days = 3\nat = "100%"', "应写一项，也只写一项"),
    ('at = "100%"', 'at = "40%"', "早于第一次提醒"),
    ("levels = 2", "levels = 1", "没有高于前一次"),
    # conditions
    ("confirms = true\n", "", "在它以前没有确认的动作"),
    ('opens = ["revisit"]\n', "", "没有动作引出它"),
    # shapes
    ('nature = "promised"', 'nature = "promissed"', "没有 \"promissed\" 这个选项"),
    ("confirms = true", "confirm = true", "不认识的名称“confirm”"),
    ('prefix = "XS"', 'prefix = "xs"', "写法不对"),
    ("days = 5\n", "days = -1\n", "不小于 0"),
    ("by_kind = { a = 3 }", "by_kind = { a = -3 }", "不小于 0"),
    ('phase = "answered"\n', "", "缺少“phase”"),
]  # fmt: skip


def test_the_good_one_is_good() -> None:
    case_type, found = load_type(GOOD, "matter.toml")
    assert found == []
    assert isinstance(case_type, CaseType)


@pytest.mark.parametrize(("old", "new", "word"), BAD, ids=[each[2] for each in BAD])
def test_each_mistake_is_told_with_its_line_and_a_mend(old: str, new: str, word: str) -> None:
    assert GOOD.count(old) >= 1
    text = GOOD.replace(old, new, 1)
    case_type, found = load_type(text, "matter.toml")
    assert case_type is None
    said = [each for each in found if word in str(each.what)]
    assert said, [str(each.what) for each in found]
    first = said[0]
    assert first.severity == "error"
    assert first.file == "matter.toml"
    assert first.fix is not None or "不小于" in word or "写法" in word
    assert first.what.render("en") != str(first.what)
    # In the block that was changed, or the one that now misses it.
    assert first.line is None or 1 <= first.line <= text.count("\n")


def test_lines_are_those_of_the_mistake() -> None:
    text = GOOD.replace('to = "answered"', 'to = "done"')
    _, found = load_type(text)
    (first,) = found
    assert text.splitlines()[(first.line or 0) - 1] == 'to = "done"'
    assert first.path == "act[答复].to"
    text = GOOD.replace('at = "100%"', 'at = "40%"')
    _, found = load_type(text)
    assert text.splitlines()[(found[0].line or 0) - 1] == 'at = "40%"'


def test_all_mistakes_are_told_at_once() -> None:
    text = GOOD.replace('to = "answered"', 'to = "done"').replace('stops = ["limit"]', 'stops = ["legal"]')
    _, found = load_type(text.replace('evidence = ["照片"]', 'evidence = ["相片"]'))
    assert len(found) == 3
    assert [each.line for each in found] == sorted(each.line or 0 for each in found)


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ('extends = ["limit"]', "", "却没有动作延长它"),
        ('warn_at = ["50%", "80%"]\n', "", "没有提醒就上报"),
    ],
)
def test_warnings_do_not_stop(old: str, new: str, word: str) -> None:
    case_type, found = load_type(GOOD.replace(old, new, 1))
    assert case_type is not None
    assert {each.severity for each in found} == {"warning"}
    assert all(word in str(each.what) for each in found)


def test_a_clock_that_nobody_starts() -> None:
    text = GOOD.replace('starts = ["limit"]\n', "")
    _, found = load_type(text)
    assert any("从不开始" in str(each.what) for each in found)


def test_types_are_checked_together(tmp_path: Path) -> None:
    (tmp_path / "matter.toml").write_text(
        GOOD.replace('prefix = "XS"', 'prefix = "SQ"').replace(
            'opens = ["revisit"]', 'opens = ["revisit", "revisited"]'
        ),
        encoding="utf-8",
    )
    types, found = load_types(tmp_path)
    assert {"matter", "demand"} <= set(types)
    said = [str(each.what) for each in found]
    assert any("没有编号为“revisited”的事项类型" in each for each in said)
    assert any("字头“SQ”已由“企业诉求”使用" in each for each in said)


def test_an_act_opens_only_what_its_people_may_open(tmp_path: Path) -> None:
    common = (COMMON_CASES / "demand.toml").read_text("utf-8")
    text = common.replace(
        'by = ["desk", "handler"]\nopens = ["revisit"]', 'by = ["enterprise"]\nopens = ["revisit"]'
    )
    assert text != common
    (tmp_path / "demand.toml").write_text(text, encoding="utf-8")
    _types, found = load_types(tmp_path)
    assert [str(each.what) for each in found] == ["“安排回访”引出“回访”，但“回访”不让 enterprise 登记。"]


def test_a_citys_own_type_replaces_the_common_one(tmp_path: Path) -> None:
    pack = tmp_path / "somewhere"
    (pack / "cases").mkdir(parents=True)
    (pack / "city.toml").write_text("", encoding="utf-8")
    own = (COMMON_CASES / "demand.toml").read_text("utf-8").replace('"企业诉求"', '"助企诉求"')
    (pack / "cases" / "demand.toml").write_text(own, encoding="utf-8")
    for folder in (pack, pack / "cases"):
        types, found = load_types(folder)
        assert found == []
        assert types["demand"].name == "助企诉求"
        assert types["visit"].name == "走访"
    assert load_types()[0]["demand"].name == "企业诉求"


def test_one_id_stands_in_one_file_of_a_folder(tmp_path: Path) -> None:
    for name in ("one.toml", "two.toml"):
        shutil.copy(COMMON_CASES / "assist.toml", tmp_path / name)
    _, found = load_types(tmp_path)
    assert ["one.toml" in str(each.what) for each in found] == [True]


def test_a_broken_file_leaves_the_others(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text("id = = 1", encoding="utf-8")
    (tmp_path / "gbk.toml").write_bytes('name = "诉求"'.encode("gbk"))
    types, found = load_types(tmp_path)
    assert set(types) == set(load_types()[0])
    assert len(found) == 2
