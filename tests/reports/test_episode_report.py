"""The report of an episode: its sentences say its figures, and paper and workbook hold the same."""

from __future__ import annotations

import io
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import openpyxl
from docx import Document

from muheng.reports.episode import (
    AtLevel,
    Culprit,
    Day,
    Deed,
    Episode,
    InForce,
    Part,
    Spared,
    duration,
    fill_episode,
    share,
    summarise,
    write_episode,
)
from muheng.reports.meeting_files import fill_template, find_template

START = datetime(2026, 11, 20, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
DAY = 24 * 60


def make_episode(**changed: object) -> Episode:
    values: dict[str, object] = {
        "title": "测试市重污染天气应急响应总结报告",
        "issuer": "测试市生态环境局",
        "place": "测试市",
        "number": "测环〔2026〕1号",
        "cause": "细颗粒物",
        "rules": "CN-2024",
        "made": START + timedelta(days=4),
        "starts": START,
        "lifted": START + timedelta(days=3),
        "spans": (
            InForce(level="yellow", start=START, end=START + timedelta(days=1), minutes=DAY),
            InForce(
                level="orange",
                start=START + timedelta(days=1),
                end=START + timedelta(days=3),
                minutes=2 * DAY,
            ),
        ),
        "deeds": (
            Deed(what="签发启动", level="yellow", at=START, number="1号", reason="预报"),
            Deed(
                what="预警升级", level="orange", at=START + timedelta(days=1), departs=True, reason="区域联动"
            ),
        ),
        "days": (
            Day(on=date(2026, 11, 20), forecast=180, primary="PM2.5", recorded=190),
            Day(on=date(2026, 11, 21), forecast=210, primary="PM2.5", recorded=205),
            Day(on=date(2026, 11, 22), forecast=220),
        ),
        "whole": Part(name="全市", firms=3, acknowledged=2, in_time=1, lines=8, done=5, broken=1),
        "counties": (Part(name="东山区", firms=3, acknowledged=2, in_time=1, lines=8, done=5, broken=1),),
        "levels": (
            AtLevel(
                level="yellow",
                need=(1_000, 0, 0, 0),
                planned=(2_000, 0, 0, 0),
                shown=(1_500, 0, 0, 0),
                loss=1_000_000,
                uniform_loss=3_000_000,
                minutes=DAY,
            ),
            AtLevel(
                level="orange",
                planned=(4_000, 0, 0, 0),
                shown=(4_000, 0, 0, 0),
                loss=2_000_000,
                uniform_loss=5_000_000,
                minutes=2 * DAY,
            ),
        ),
        "acknowledge_hours": 2,
        "checks": 4,
        "check_ins": 9,
        "broken": (Culprit(enterprise="=东山铸造", line="1号线", measure="停产", found="为平日的50%"),),
        "silent": (Culprit(enterprise="湖心玻璃", county="西湖县"),),
        "spared": (Spared(enterprise="亩衡新材料", grade="A", why="绩效等级 A"),),
        "learnt": ("预报偏低，下次早一天启动。",),
    }
    return Episode.model_validate(values | changed)


def test_the_sentences_say_the_figures() -> None:
    said = "\n".join(summarise(make_episode()))
    for each in (
        "启动橙色预警（Ⅱ级响应），响应共3天，其中黄色1天和橙色2天",
        "预报日AQI最高220。实况日AQI最高205（11月21日），与预报平均相差7.5。",
        "向3家企业的8条生产线下达措施；1家在2小时内确认，共确认2家，1家没有确认",
        "措施到位5条，执行率62.5%；不到位1条，没有凭证的2条。企业报来凭证9次，现场检查4次",
        "应减排SO₂ 10千克",
        "有凭证的减排SO₂ 9.5千克",
        "损失约5.00万元；达到同样减排，一刀切要多损失8.00万元",
        "没有强制减排的企业1家",
    ):
        assert each in said


def test_an_episode_without_cuts_says_so() -> None:
    episode = make_episode(
        cause="臭氧",
        whole=Part(name="全市"),
        counties=(),
        levels=(),
        broken=(),
        silent=(),
        spared=(),
        days=(),
    )
    said = "\n".join(summarise(episode))
    assert "不启动应急减排清单" in said
    assert "执行率" not in said
    content = fill_template(fill_episode(episode), find_template("episode"), episode.made.date())
    assert "本次没有下达减排措施。" in [each.text for each in Document(io.BytesIO(content)).paragraphs]


def test_saved_is_unknown_where_a_level_has_nothing_beside_it() -> None:
    levels = make_episode().levels
    episode = make_episode(levels=(levels[0], levels[1].model_copy(update={"uniform_loss": None})))
    assert episode.saved is None
    assert "一刀切" not in "\n".join(summarise(episode))


def test_paper_and_workbook_hold_the_same(tmp_path: Path) -> None:
    episode = make_episode()
    content = fill_template(fill_episode(episode), find_template("episode"), episode.made.date())
    document = Document(io.BytesIO(content))
    said = [each.text for each in document.paragraphs]
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    for sentence in summarise(episode):
        assert sentence in said
    assert "=东山铸造" in cells
    assert "区域联动（与规则判断不一致）" in cells
    assert not [text for text in (*said, *cells) if "{" in text]
    path = tmp_path / "report.xlsx"
    write_episode(episode, path)
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == [
        "各县区",
        "各级减排",
        "过程",
        "逐日空气质量",
        "不到位",
        "没有确认",
        "没有强制减排",
    ]
    assert book["不到位"]["A3"].value == "=东山铸造"
    assert book["不到位"]["A3"].data_type != "f"
    top = [cell.value for cell in book["各县区"]["A"]]
    assert summarise(episode)[0] in top
    rate = next(row for row in book["各县区"].iter_rows(values_only=True) if row[0] == "全市")
    assert rate[7] == 62.5
    path.unlink()


def test_words_for_durations_and_shares() -> None:
    assert [duration(minutes) for minutes in (0, 90, DAY, 2 * DAY + 61)] == [
        "0小时",
        "1小时30分钟",
        "1天",
        "2天1小时1分钟",
    ]
    assert share(None) == "—"
    assert Episode.model_validate(make_episode().model_dump(mode="json")) == make_episode()
