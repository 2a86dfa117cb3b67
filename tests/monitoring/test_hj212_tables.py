"""The standards' codes: complete, unique, and each factor known by its old and its new name."""

from __future__ import annotations

from muheng.monitoring.hj212.tables import codes, factors, find_factor, modernise, name_system


def test_old_and_new_factors() -> None:
    pairs = {
        "B01": "w00000", "001": "w01001", "011": "w01018", "060": "w21003", "101": "w21011", "065": "w21001",
        "B02": "a00000", "01": "a34013", "02": "a21026", "03": "a21002", "04": "a21005", "S01": "a19001",
        "S02": "a01011", "S03": "a01012", "S05": "a01014", "S08": "a01013", "25": "a24087", "10": "a21001",
        "003": "w01012", "05": "a21028", "06": "a21018", "08": "a21024", "S04": "a01017",
    }  # fmt: skip
    for old, new in pairs.items():
        assert modernise(old) == new
        assert find_factor(old) is find_factor(new) is not None
    assert modernise("w01018") == "w01018"
    assert modernise("831") == "831"
    assert find_factor("831") is None


def test_what_stations_of_air_and_water_send_is_known() -> None:
    air = "a01001 a01002 a01006 a01007 a01008 a34001 a34002 a34004 a21003 a21004 a21005 a21026 a05024 LA Leq"
    water = "w01019 w01009 w01010 w01014"
    assert [code for code in (air + " " + water).split() if find_factor(code) is None] == []


def test_no_code_stands_twice() -> None:
    olds = [factor.old_code for factor in factors().values() if factor.old_code]
    assert len(olds) == len(set(olds)) > 70
    assert all(factor.name and factor.unit for factor in factors().values())
    assert find_factor("a21026").unit == "毫克/立方米"  # type: ignore[union-attr]


def test_commands_know_their_editions() -> None:
    commands = codes("command")
    assert commands["2011"].direction == "RU"
    assert commands["9015"].editions == (2025,)
    assert commands["2072"].editions == (2005,)
    assert {"9011", "9012", "9013", "9014", "2031", "2041", "2051", "2061", "2081", "3020"} <= set(commands)


def test_only_normal_data_counts() -> None:
    assert {flag.code for flag in codes("data_flag").values() if flag.counts} == {"N", "3"}
    assert set("NFMSDCTB") <= set(codes("data_flag"))


def test_results_and_suffixes() -> None:
    assert codes("request_result")["9"].name == "校验错误"
    assert codes("execution_result")["100"].name == "没有数据"
    assert codes("device_state")["5"].name == "反吹"
    assert {"Rtd", "Min", "Avg", "Max", "Cou", "ZsRtd", "ZsMin", "ZsAvg", "ZsMax"} <= {
        suffix.code for suffix in codes("suffix").values() if suffix.number
    }


def test_systems_by_name_or_by_range() -> None:
    assert name_system("31") == "大气环境污染源"
    assert name_system("37") == "污染源"
    assert name_system("101") is None
    assert name_system("x") is None
