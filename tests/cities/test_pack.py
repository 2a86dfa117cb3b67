"""A pack is found by id, read strictly, and every mistake in it is named with its line."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from muheng.cities.pack import (
    COMMON_LAYOUTS,
    PACKS,
    UnknownIdError,
    find_pack,
    find_policy,
    list_packs,
    load_pack,
)
from muheng.documents.diagnostic import Diagnostic, format_diagnostics

GOOD = """\
id       = "xx"
name     = "马鞍山市"
english  = "Ma'anshan"
division = "340500"
status   = "illustrative"

[[source]]
id       = "报道"
document = "某报道"
date     = 2021-11-20
status   = "转载"

[[county]]
code      = "340503"
name      = "花山区"
townships = ["霍里街道", "濮塘镇"]

[[county]]
code      = "340506"
name      = "博望区"
townships = ["博望镇"]

[[park]]
id         = "gaoxin"
name       = "博望高新技术产业开发区"
short      = "博望高新区"
level      = "省级"
county     = "博望区"
township   = "博望镇"
industries = ["34", "C35"]

[[figure]]
name   = "亩均税收"
value  = 14.75
unit   = "万元/亩"
source = "报道"

[[department]]
name    = "企业服务专班"
english = "Task force"
work    = ["land"]

[[department]]
name    = "高新区服务站"
english = "Service station"
place   = "博望高新技术产业开发区"

[[department]]
name    = "要素组"
english = "Factors"
under   = "企业服务专班"
"""


def write_pack(folder: Path, text: str) -> Path:
    pack = folder / "xx"
    pack.mkdir()
    (pack / "city.toml").write_text(text, encoding="utf-8")
    return pack


def mistakes(folder: Path, text: str) -> list[Diagnostic]:
    pack, found = load_pack(write_pack(folder, text))
    assert (pack is None) == any(diagnostic.severity == "error" for diagnostic in found)
    return found


def line_of(text: str, part: str, nth: int = 1) -> int:
    return [number for number, line in enumerate(text.splitlines(), 1) if part in line][nth - 1]


def test_every_shipped_pack_is_clean() -> None:
    assert set(list_packs()) == {
        "maanshan", "jining", "shanting",
        "huangyan", "huaian", "jingde", "guangde", "wenling", "zhengzhou",
    }  # fmt: skip
    for name in list_packs():
        pack, found = load_pack(name)
        assert found == [], format_diagnostics(found)
        assert pack is not None
        assert pack.id == name == pack.folder.name
        assert {path.stem for path in pack.layouts} >= {"economy", "tax", "land", "statistics"}
        assert all(path.suffix == ".toml" for path in pack.policies)


def test_maanshan_has_its_organisation_tree_and_the_article_s_figures() -> None:
    pack, _ = load_pack("maanshan")
    assert pack is not None
    city = pack.city
    assert [county.name for county in city.county] == [
        "花山区",
        "雨山区",
        "博望区",
        "当涂县",
        "含山县",
        "和县",
    ]
    home = dict(city.townships())
    assert home["博望镇"] == "博望区"
    park = city.find_park("慈湖高新区")
    assert park is not None
    assert (park.county, home[park.township or ""]) == ("花山区", "花山区")
    figures = {figure.name: figure.value for figure in city.figure}
    assert figures["整治“散乱污”企业"] == 719
    assert figures["2020年以来倒逼低效企业转型或退出"] == 327
    assert str(figures["规上工业亩均税收"]) == "14.75"


def test_jining_and_shanting_have_departments_and_the_articles_figures() -> None:
    jining, _ = load_pack("jining")
    shanting, _ = load_pack("shanting")
    assert jining is not None
    assert shanting is not None
    assert [county.name for county in jining.city.county][-2:] == ["曲阜市", "邹城市"]
    assert len(jining.city.county) == 11
    groups = [each for each in jining.city.department if each.place is not None]
    assert {each.place for each in groups} >= {county.name for county in jining.city.county}
    assert {figure.name: figure.value for figure in jining.city.figure}["解决企业生态环境诉求"] == 164
    # A district is its own only county, so that it can have townships.
    assert [county.code for county in shanting.city.county] == [shanting.city.division]
    figures = {figure.name: str(figure.value) for figure in shanting.city.figure}
    assert (figures["授信金额"], figures["累计投放贷款"]) == ("23.22", "11.88")


def test_a_good_pack_outside_the_package_is_read(tmp_path: Path) -> None:
    pack, found = load_pack(write_pack(tmp_path, GOOD))
    assert found == []
    assert pack is not None
    assert pack.city.find_park("gaoxin") == pack.city.park[0]
    assert pack.city.find_park("没有的园区") is None


MISTAKES = [
    ('division = "340500"', 'division = "349900"', 'division =', "GB/T 2260 里没有 349900", "340500"),
    ('code      = "340503"', 'code      = "340504"', "340504", "340504 是雨山区，不是花山区", "340503"),
    ('code      = "340503"', 'code      = "340502"', "340502", "2012 年已撤销", "340503"),
    ('code      = "340503"', 'code      = "340200"', "340200", "不在马鞍山市（340500）之内", "3405"),
    ('name      = "博望区"', 'name      = "花山区"', "340506", "340506 是博望区，不是花山区", "340503"),
    ('county     = "博望区"', 'county     = "搏望区"', "搏望区", "没有名为“搏望区”的区县", "博望区"),
    ('county     = "博望区"\n', "", "[[park]]", "没有写所在区县", "county"),
    ('county     = "博望区"', 'county     = "花山区"', "township   =", "博望镇属于博望区，不属于", "花山区"),
    ('township   = "博望镇"', 'township   = "博旺镇"', "博旺镇", "没有名为“博旺镇”的乡镇", "博望镇"),
    ('industries = ["34", "C35"]', 'industries = ["34", "98"]', "98", "98", "GB/T 4754"),
    ('source = "报道"', 'source = "报导"', "报导", "没有 id 为“报导”的来源", "报道"),
    ('townships = ["博望镇"]', 'townships = ["博望镇", "濮塘镇"]', '"博望镇", "濮', "“濮塘镇”重复", "不同"),
    ('id       = "xx"', 'id       = "yy"', '"yy"', "代号是“yy”，文件夹是“xx”", "同名"),
    ('level      = "省级"', 'level      = "部级"', "部级", "部级", "省级"),
    ('unit   = "万元/亩"', 'units  = "万元/亩"', "units", "不认识的名称“units”", "unit"),
    ("value  = 14.75", 'value  = "14.75"', "14.75", "应是数字", "不加引号"),
    ('place   = "博望高新技术', 'place   = "搏望高新技术', "place", "没有名为“搏望高新技术产业开发区”", "博望高"),
    ('under   = "企业服务专班"', 'under   = "要素组"', "under", "前面没有名为“要素组”的部门", "企业服务专班"),
    ('name    = "要素组"', 'name    = "企业服务专班"', "", "重复", "不同"),
    ('status   = "illustrative"', "", "", "缺少“status”", "status"),
]  # fmt: skip


@pytest.mark.parametrize(("good", "bad", "line", "what", "fix"), MISTAKES)
def test_each_mistake_has_its_line_and_its_remedy(
    tmp_path: Path, good: str, bad: str, line: str, what: str, fix: str
) -> None:
    assert GOOD.count(good) == 1
    text = GOOD.replace(good, bad)
    found = mistakes(tmp_path, text)
    hits = [diagnostic for diagnostic in found if what in str(diagnostic.what)]
    assert len(hits) == 1, format_diagnostics(found)
    assert fix in str(hits[0].fix)
    assert hits[0].file == "xx/city.toml"
    if line:
        assert hits[0].line == line_of(text, line)


def test_all_mistakes_are_told_at_once_in_the_order_of_the_lines(tmp_path: Path) -> None:
    text = GOOD
    for good, bad in (
        ("340503", "340504"),
        ('"博望镇"\nind', '"没有镇"\nind'),
        ('source = "报道"', 'source = "无"'),
    ):
        text = text.replace(good, bad)
    found = mistakes(tmp_path, text)
    assert len(found) == 3
    assert [diagnostic.line for diagnostic in found] == sorted(diagnostic.line or 0 for diagnostic in found)


def test_ids_are_given_once(tmp_path: Path) -> None:
    twice = GOOD + GOOD[GOOD.index("[[park]]") : GOOD.index("[[figure]]")]
    found = mistakes(tmp_path, twice)
    repeated = [diagnostic for diagnostic in found if "重复" in str(diagnostic.what)]
    assert [diagnostic.path.split(".")[-1] for diagnostic in repeated] == ["id", "name", "short"]
    assert f"第 {line_of(GOOD, 'gaoxin')} 行" in str(repeated[0].what)
    assert repeated[0].line == line_of(twice, "gaoxin", 2)


def test_a_pack_s_own_layout_takes_the_place_of_the_common_one(tmp_path: Path) -> None:
    folder = write_pack(tmp_path, GOOD)
    (folder / "layouts").mkdir()
    shutil.copy(COMMON_LAYOUTS / "tax.toml", folder / "layouts" / "our-tax.toml")
    pack, found = load_pack(folder)
    assert found == []
    assert pack is not None
    assert COMMON_LAYOUTS / "tax.toml" not in pack.layouts
    assert folder / "layouts" / "our-tax.toml" in pack.layouts
    assert len(pack.layouts) == len(list(COMMON_LAYOUTS.glob("*.toml")))


def test_a_layout_id_stands_once_and_a_policy_file_is_named_by_its_id(tmp_path: Path) -> None:
    folder = write_pack(tmp_path, GOOD)
    for name in ("layouts", "policies"):
        (folder / name).mkdir()
    (folder / "layouts" / "a.toml").write_text('# 布局\nid = "ours"\n', encoding="utf-8")
    (folder / "layouts" / "b.toml").write_text('# 布局\nid = "ours"\n', encoding="utf-8")
    (folder / "layouts" / "c.toml").write_text('name = "没有代号"\n', encoding="utf-8")
    (folder / "policies" / "p-2024.toml").write_text('[policy]\nid = "p-2025"\n', encoding="utf-8")
    (folder / "policies" / "broken.toml").write_text('[policy\nid = "x"\n', encoding="utf-8")
    pack, found = load_pack(folder)
    assert pack is None
    told = {(diagnostic.file, diagnostic.line): str(diagnostic.what) for diagnostic in found}
    assert "“ours”在 a.toml 里已经用过" in told["xx/layouts/b.toml", 2]
    assert "缺少“id”" in next(what for (file, _), what in told.items() if file == "xx/layouts/c.toml")
    assert "政策代号是“p-2025”，文件名是“p-2024.toml”" in told["xx/policies/p-2024.toml", 2]
    assert ("xx/policies/broken.toml", 1) in told
    assert len(found) == 4


def test_an_unknown_id_offers_the_nearest() -> None:
    pack, found = load_pack("maanshang")
    assert pack is None
    assert "没有代号为“maanshang”的城市包" in str(found[0].what)
    assert "maanshan" in str(found[0].fix)
    with pytest.raises(UnknownIdError, match="maanshang"):
        find_pack("maanshang")
    with pytest.raises(UnknownIdError, match="no-such-policy"):
        find_policy("no-such-policy")
    assert find_pack("maanshan") == PACKS / "maanshan"


def test_every_shipped_policy_is_found_by_its_id() -> None:
    for path in PACKS.glob("*/policies/*.toml"):
        assert find_policy(path.stem) == path
