"""English is compiled from what people write, and a wrong file says where it is wrong."""

from __future__ import annotations

import gettext
import os
from pathlib import Path

import pytest

from muheng.web.languages import BadTranslation, compile_languages

HEAD = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=UTF-8\\n"\n"Plural-Forms: nplurals=2; plural=(n != 1);\\n"\n'


def write(folder: Path, entries: str) -> Path:
    file = folder / "room" / "locale" / "en" / "LC_MESSAGES" / "django.po"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(HEAD + entries, encoding="utf-8")
    return file


def test_what_is_written_can_be_read(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        '\nmsgid "企业"\nmsgstr "Enterprises"\n\n#, fuzzy\nmsgid "未定"\nmsgstr "unsure"\n\nmsgid "空"\nmsgstr ""\n'
        '\nmsgid "%(n)s 户"\nmsgid_plural "%(n)s 户"\nmsgstr[0] "%(n)s enterprise"\nmsgstr[1] "%(n)s enterprises"\n',
    )
    assert compile_languages(tmp_path) == [file.with_suffix(".mo")]
    with file.with_suffix(".mo").open("rb") as made:
        english = gettext.GNUTranslations(made)
    assert english.gettext("企业") == "Enterprises"
    assert english.gettext("未定") == "未定"  # what its translator is unsure of is not shown
    assert english.gettext("空") == "空"
    assert english.ngettext("%(n)s 户", "%(n)s 户", 2) == "%(n)s enterprises"


def test_only_what_changed_is_compiled(tmp_path: Path) -> None:
    file = write(tmp_path, '\nmsgid "企业"\nmsgstr "Enterprises"\n')
    assert compile_languages(tmp_path)
    assert compile_languages(tmp_path) == []
    later = file.with_suffix(".mo").stat().st_mtime + 1
    os.utime(file, (later, later))
    assert compile_languages(tmp_path) == [file.with_suffix(".mo")]


@pytest.mark.parametrize(
    ("entries", "line", "said"),
    [
        ('\nmsgid "%(code)s 有误"\nmsgstr "%(cod)s is wrong"\n', 6, "placeholder"),
        ('\nmsgid "企业"\nEnterprises\n', 7, "Enterprises"),
    ],
)
def test_a_wrong_file_says_where(tmp_path: Path, entries: str, line: int, said: str) -> None:
    file = write(tmp_path, entries)
    with pytest.raises(BadTranslation) as told:
        compile_languages(tmp_path)
    assert str(told.value).startswith(f"{file}:{line}  ")
    assert said in str(told.value)
    assert not file.with_suffix(".mo").exists()
    assert [each.name for each in file.parent.iterdir()] == ["django.po"]
