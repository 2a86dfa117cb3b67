"""``muheng check``: all diagnostics at once, for every kind of file."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from small_town import POLICY, muheng

from muheng.cities.pack import COMMON_CASES, COMMON_LAYOUTS, find_pack, list_packs
from muheng.matching.rules import COMMON


def test_a_good_policy(town: Path) -> None:
    outcome = muheng("check", town / "规则.toml", "--json")
    assert outcome.code == 0
    assert outcome.data == {
        "path": str(town / "规则.toml"),
        "checked": [{"path": str(town / "规则.toml"), "kind": "policy", "errors": 0, "warnings": 0}],
        "errors": 0,
        "warnings": 0,
        "diagnostics": [],
    }
    assert "没有问题" in muheng("check", town / "规则.toml").out


def test_every_error_of_a_policy_at_once(tmp_path: Path) -> None:
    policy = tmp_path / "有 错.toml"
    text = (
        POLICY.replace("weight  = 100", "weight  = 90")
        .replace("'高新技术企业'", "'高新技术企业")
        .replace("升", "")
    )
    policy.write_text(text, encoding="utf-8")
    outcome = muheng("check", policy)
    assert outcome.code == 1
    lines = [
        text.splitlines().index(line) + 1
        for line in text.splitlines()
        if line.startswith(("weight", "when  =", "order"))
    ]
    for line in lines:
        assert f"有 错.toml:{line}" in outcome.out
    assert "个错误" in outcome.out.splitlines()[-1]
    found = muheng("check", policy, "--json").data["diagnostics"]
    assert {each["line"] for each in found} == set(lines)
    assert all({"severity", "file", "line", "path", "what", "fix"} == set(each) for each in found)


def test_a_warning_is_no_failure(tmp_path: Path) -> None:
    policy = tmp_path / "提示.toml"
    policy.write_text(POLICY.replace("[define]", '多余 = { unit = "万元", missing = 0 }\n[define]'), "utf-8")
    outcome = muheng("check", policy, "--json")
    assert (outcome.code, outcome.data["errors"], outcome.data["warnings"]) == (0, 0, 1)


@pytest.mark.parametrize("pack", list_packs())
def test_shipped_packs_have_no_errors(pack: str) -> None:
    for path in (pack, find_pack(pack), find_pack(pack) / "city.toml"):
        outcome = muheng("check", path, "--json")
        assert (outcome.code, outcome.data["checked"][0]["kind"]) == (0, "city"), outcome.out


def test_folders_and_layouts(tmp_path: Path) -> None:
    layouts = muheng("check", COMMON_LAYOUTS, "--json").data
    assert {each["kind"] for each in layouts["checked"]} == {"layout"}
    assert len(layouts["checked"]) == len(list(COMMON_LAYOUTS.glob("*.toml")))
    policies = muheng("check", find_pack("huangyan") / "policies", "--json").data
    assert {each["kind"] for each in policies["checked"]} == {"policy"}
    broken = tmp_path / "tax.toml"
    broken.write_text((COMMON_LAYOUTS / "tax.toml").read_text("utf-8").replace("万元", "万圆"), "utf-8")
    outcome = muheng("check", broken, "--json")
    assert outcome.code == 1
    assert outcome.data["checked"][0]["kind"] == "layout"
    assert "万圆" in outcome.out


def test_case_types(tmp_path: Path) -> None:
    shipped = muheng("check", COMMON_CASES, "--json").data
    assert {each["kind"] for each in shipped["checked"]} == {"case"}
    assert (shipped["errors"], shipped["warnings"]) == (0, 0)
    broken = tmp_path / "demand.toml"
    text = (COMMON_CASES / "demand.toml").read_text("utf-8").replace('to = "accepted"', 'to = "acepted"', 1)
    broken.write_text(text, "utf-8")
    outcome = muheng("check", broken)
    assert outcome.code == 1
    line = text.splitlines().index('to = "acepted"') + 1
    assert f"demand.toml:{line}" in outcome.out
    assert "是不是“accepted”？" in outcome.out
    pack = tmp_path / "maanshan"
    shutil.copytree(find_pack("maanshan"), pack)
    (pack / "cases").mkdir()
    shutil.copy(broken, pack / "cases")
    found = muheng("check", pack, "--json").data["diagnostics"]
    told = [each["what"] for each in found if each["file"] == str(pack / "cases" / "demand.toml")]
    assert ["acepted" in what for what in told] == [True]


def test_matching_rules(tmp_path: Path) -> None:
    shipped = muheng("check", COMMON, "--json").data
    assert {each["kind"] for each in shipped["checked"]} == {"matching"}
    assert (shipped["errors"], shipped["warnings"]) == (0, 0)
    pack = tmp_path / "maanshan"
    shutil.copytree(find_pack("maanshan"), pack)
    (pack / "matching").mkdir()
    broken = pack / "matching" / "finance.toml"
    text = (COMMON / "finance.toml").read_text("utf-8").replace('test    = "grade"', 'test    = "graed"', 1)
    broken.write_text(text, "utf-8")
    for path in (broken, pack):
        found = muheng("check", path, "--json").data["diagnostics"]
        told = [each["what"] for each in found if each["file"] == str(broken)]
        assert told == ["“test”没有“graed”这一种。"]


def test_every_mistake_of_a_pack_is_told_once(tmp_path: Path) -> None:
    pack = tmp_path / "maanshan"
    shutil.copytree(find_pack("maanshan"), pack)
    city = (pack / "city.toml").read_text("utf-8").replace('"340503"', '"340593"')
    (pack / "city.toml").write_text(city, "utf-8")
    policy = pack / "policies" / "ah-maanshan-demo.toml"
    policy.write_text(policy.read_text("utf-8").replace("weight  = 40", "weight  = 41"), "utf-8")
    roster = pack / "demo" / "roster.toml"
    roster.write_text("这不是 TOML", "utf-8")
    (pack / "policies" / "坏.toml").write_text("x = = 1", "utf-8")
    outcome = muheng("check", pack, "--json")
    assert outcome.code == 1
    found = [(each["file"], each["line"], each["what"]) for each in outcome.data["diagnostics"]]
    assert len(found) == len(set(found))
    files = {Path(file).name for file, _, _ in found}
    assert files == {"city.toml", "ah-maanshan-demo.toml", "坏.toml"}
    assert {Path(file).parent.name for file, _, _ in found} == {"maanshan", "policies"}


def test_what_cannot_be_checked(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "没有.toml", "没有这个编号"):
        outcome = muheng("check", path, "--json")
        assert outcome.code == 1
        assert outcome.data["error"]["kind"] == "file"
    (tmp_path / "坏.toml").write_bytes("[policy]\nname = '马鞍山'".encode("gbk"))
    outcome = muheng("check", tmp_path / "坏.toml")
    assert outcome.code == 1
    assert "GBK" in outcome.out
