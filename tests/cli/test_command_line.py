"""The command line itself: help, languages, what it cannot understand, and the terminals it runs in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from small_town import POLICY, YEAR, make_code, muheng

from muheng.cli.hj212 import ACTS
from muheng.cli.main import VERBS

MUHENG = Path(sys.executable).parent / "muheng"
MONITORING = [f"hj212 {act}" for act in ACTS]


def call(*arguments: object, **settings: object) -> subprocess.CompletedProcess[bytes]:
    """A real process, as a shell starts it."""
    environment = {**os.environ, **settings.pop("environment", {})}  # type: ignore[dict-item]
    return subprocess.run(
        [str(MUHENG), *map(str, arguments)], capture_output=True, env=environment, timeout=120, **settings
    )  # type: ignore[call-overload,no-any-return]


def test_help_in_both_languages_names_every_verb() -> None:
    for lang, word in (("zh", "命令"), ("en", "Commands")):
        outcome = muheng("--lang", lang, "--help")
        assert outcome.code == 0
        assert word in outcome.out
        assert all(f"  {verb} " in outcome.out for verb in VERBS)
    assert muheng().out == muheng("--help").out
    assert muheng("--help", MUHENG_LANG="en").out == muheng("--help", "--lang", "en").out
    assert muheng("--help", MUHENG_LANG="fr").out == muheng("--help").out


@pytest.mark.parametrize("verb", [*VERBS, "reference", *MONITORING])
def test_help_of_every_verb_is_wholly_translated(verb: str) -> None:
    words = verb.split()
    chinese, english = muheng(*words, "--help").out, muheng(*words, "--help", "--lang=en").out
    for word in ("Options", "Show ", "[required]"):
        assert word not in chinese
    assert not [letter for letter in english if "\u4e00" <= letter <= "\u9fff"]


@pytest.mark.parametrize("verb", [*VERBS, *MONITORING])
def test_no_help_line_is_wider_than_the_terminal(verb: str) -> None:
    from muheng.cli.verb import width

    for line in muheng(*verb.split(), "--help").out.splitlines():
        # Closing punctuation may hang over.
        assert width(line) <= 82, line


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("explian",), "explain"),
        (("explain", "--jsno", "a", "b"), "--json"),
        (("explain", "a"), "CODE"),
        (("explain", "a", "b", "c"), "多出来的参数：c"),
        (("advise", "a", "b"), "--grade"),
        (("advise", "a", "b", "--grade"), "--grade"),
        (("evaluate", "p", "--data", "d", "--out", "o", "--year", "二〇二五"), "整数"),
        (("evaluate", "p", "--data", "d", "--out", "o", "--year", "25"), "2001"),
        (("evaluate", "p", "--data", "d", "--out", "o", "--year", "2025", "--engine", "spark"), "duckdb"),
        (("evaluate", "p", "--data", "--out", "o", "--year", "2025"), "--data"),
        (("whatif", "b"), "--set"),
        (("demo", "maanshan"), "--out"),
        (("run", "--lang", "fr"), "zh、en"),
        (("hj212", "decoed", "-"), "decode"),
    ],
)
def test_usage_errors_say_what_is_meant(arguments: tuple[str, ...], word: str) -> None:
    words = muheng(*arguments)
    assert words.code == 2
    assert words.out == ""
    assert word in words.err
    assert "--help" in words.err
    as_json = muheng(arguments[0], "--json", *arguments[1:])
    assert as_json.code == 2
    assert as_json.data["error"]["kind"] == "usage"
    assert as_json.err == ""


def test_help_is_instant_because_nothing_heavy_is_imported() -> None:
    code = (
        "import sys; from muheng.cli.main import run; run(['--help']); run(['evaluate', '--help']);"
        "print([m for m in ('polars', 'numpy', 'pydantic', 'openpyxl', 'fastexcel', 'rich') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, timeout=60)
    assert done.stdout.decode().splitlines()[-1] == "[]"


def test_a_real_process_with_stdin_closed(town: Path, tmp_path: Path) -> None:
    out = tmp_path / "结 果"
    command = f"exec '{MUHENG}' evaluate '{town}/规则.toml' --data '{town}'/小*.csv --year {YEAR} --out '{out}' --json <&-"
    done = subprocess.run(["sh", "-c", command], capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr.decode()
    assert json.loads(done.stdout)["enterprises"] == 40
    # Progress goes to standard error, in plain lines where it is no terminal.
    assert "读取部门数据" in done.stderr.decode()
    assert call("--version").stdout.startswith(b"muheng ")


@pytest.mark.parametrize("seed", ["0", "7", "8"])
def test_another_process_proves_the_bundle_to_the_byte(bundle: Path, seed: str) -> None:
    done = call("verify", bundle, "--json", environment={"PYTHONHASHSEED": seed})
    assert json.loads(done.stdout)["same_bytes"] is True


def test_a_terminal_without_chinese(bundle: Path) -> None:
    ascii_only = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = call("explain", bundle, make_code(20), environment=ascii_only)
    assert done.returncode == 0
    done = call("explain", bundle, make_code(20), "--json", environment=ascii_only)
    assert json.loads(done.stdout.decode("ascii"))["grade"] == "B"


def test_a_reader_that_goes_away(bundle: Path) -> None:
    command = f"'{MUHENG}' explain '{bundle}' {make_code(20)} --json | head -c 1"
    done = subprocess.run(["sh", "-c", command], capture_output=True, timeout=60)
    assert done.stdout == b"{"
    assert b"Traceback" not in done.stderr


def test_an_interrupt_leaves_nothing(town: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*arguments: object, **settings: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("muheng.policy.seal.write_bundle", interrupt)
    outcome = muheng(
        "evaluate", town / "规则.toml", "--data", town / "小镇.csv", "--year", YEAR, "--out", tmp_path / "出", "--json"
    )  # fmt: skip
    assert outcome.code == 130
    assert outcome.data["error"]["kind"] == "interrupted"
    assert list(tmp_path.iterdir()) == []


def test_a_fault_of_the_program_is_one_json_document_too(
    town: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object, **settings: object) -> None:
        raise ZeroDivisionError("a fault")

    monkeypatch.setattr("muheng.policy.seal.write_bundle", fail)
    outcome = muheng(
        "evaluate", town / "规则.toml", "--data", town / "小镇.csv", "--year", YEAR, "--out", tmp_path / "出", "--json"
    )  # fmt: skip
    assert outcome.code == 1
    assert outcome.data["error"]["kind"] == "internal"
    assert "ZeroDivisionError" in outcome.err
    assert list(tmp_path.iterdir()) == []


def test_a_policy_named_like_an_option_or_with_spaces(town: Path, tmp_path: Path) -> None:
    policy = tmp_path / "-规 则.toml"
    policy.write_text(POLICY, encoding="utf-8")
    done = call("check", "--json", "--", policy.name, cwd=tmp_path)
    assert done.returncode == 0, done.stderr.decode()
    assert json.loads(done.stdout)["errors"] == 0
