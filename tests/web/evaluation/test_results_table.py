"""The results table answers each question with the rows that plain Polars gives, in the order asked for."""

from __future__ import annotations

from datetime import date
from typing import Any

import fastexcel
import polars as pl
import pytest
from django.http import QueryDict
from django.test import Client

from muheng.intake.facts import CODE, NAME
from muheng.policy import plan as p
from muheng.reports.listing import DIVISION, PARK, SECTION, TOWNSHIP
from muheng.web.evaluation import exports
from muheng.web.evaluation.models import Run
from muheng.web.evaluation.queries.results import STEPS, SeenRun, Sight
from muheng.web.evaluation.queries.table import (
    STARTING,
    Question,
    choose_rows,
    list_choices,
    list_fields,
    read_question,
)
from muheng.web.evaluation.runs import LAST, read_listing
from muheng.web.jobs.actions import run_pending
from muheng.web.jobs.models import Job
from muheng.web.registry.actions import rename
from muheng.web.registry.models import Enterprise
from muheng.web.registry.search import initials
from web.evaluation.results_city import Results

pytestmark = pytest.mark.django_db


def seen_whole(run: Run) -> SeenRun:
    return SeenRun(run, Sight(run.results, everything=True))


def ask(run: Run, query: str) -> pl.DataFrame:
    seen = seen_whole(run)
    return seen.rows[choose_rows(seen, read_question(QueryDict(query), list_fields(seen)))]


def test_each_filter_keeps_what_it_says(results: Results) -> None:
    rows = seen_whole(results.run).rows
    township = rows[TOWNSHIP].drop_nulls()[0]
    division, section = rows[DIVISION].drop_nulls()[0], rows[SECTION].drop_nulls()[0]
    park = rows[PARK].drop_nulls()[0].split("、")[0]
    county = results.people.counties[0].pk
    low, high = 4000, 9000
    cases: list[tuple[str, pl.Expr]] = [
        ("grade=A", pl.col(p.GRADE) == "A"),
        ("grade=A&grade=-", (pl.col(p.GRADE) == "A") | pl.col(p.GRADE).is_null()),
        ("class=规上", pl.col(p.CLASS) == "规上"),
        (f"county={county}", pl.col(CODE).is_in(sorted(results.inside))),
        (f"township={township}", pl.col(TOWNSHIP) == township),
        (f"park={park}", pl.col(PARK).str.split("、").list.contains(park)),
        ("park=-", pl.col(PARK).is_null()),
        (f"industry={division}", pl.col(DIVISION) == division),
        (f"industry={section}", pl.col(SECTION) == section),
        ("standing=参评", pl.col(p.STANDING) == "参评"),
        ("moved=up", pl.col(STEPS) > 0),
        ("moved=down", pl.col(STEPS) < 0),
        ("moved=same", pl.col(STEPS) == 0),
        ("last=B", pl.col(LAST) == "B"),
        ("low=40&high=90", pl.col(p.TOTAL).is_between(low, high)),
        ("low=abc&high=1e9", pl.lit(True)),
        (
            "grade=A&class=规下&moved=same",
            (pl.col(p.GRADE) == "A") & (pl.col(p.CLASS) == "规下") & (pl.col(STEPS) == 0),
        ),
    ]
    for query, condition in cases:
        right = set(rows.filter(condition)[CODE])
        assert set(ask(results.run, query)[CODE]) == right, query
        assert right or query in ("moved=up", "moved=down"), query


def test_a_name_is_found_by_part_former_name_initials_and_code(results: Results) -> None:
    name = results.own.name
    assert ask(results.run, "q=mhxmz").is_empty()
    rename(results.people.clerk, results.own, "亩衡新名字有限公司", date(2026, 3, 9))
    for text in (
        name[:4],
        name[1:5],
        initials(name)[:6],
        "亩衡新名字",
        "mhxmz",
        results.own.code[4:],
        results.own.code.lower(),
    ):
        assert results.own.code in set(ask(results.run, f"q={text}")[CODE]), text
    assert ask(results.run, "q=没有这一家").is_empty()
    assert ask(results.run, f"q={name[:2]} {name[2:4]}")[CODE].to_list().count(results.own.code) == 1


def test_sorting_is_total_and_puts_what_is_missing_last(results: Results) -> None:
    seen = seen_whole(results.run)
    for key, field in list_fields(seen).items():
        for mark in ("", "-"):
            rows = ask(results.run, f"sort={mark}{key}")
            assert rows.height == seen.rows.height
            assert rows[CODE].n_unique() == rows.height
            values = field.values(rows)
            known = values.drop_nulls()
            if key == p.PLACE:
                continue  # a place is one within its class
            assert values.head(len(known)).null_count() == 0, key
            if key != p.GRADE:
                assert known.to_list() == sorted(known.to_list(), reverse=bool(mark)), key


def test_a_question_survives_its_address(results: Results) -> None:
    fields = list_fields(seen_whole(results.run))
    asked = (
        "q=%E6%9C%BA&grade=A&class=规上&county=3&moved=up&low=1.5&sort=-总分&column=等级&column=总分&column=x"
    )
    question = read_question(QueryDict(asked), fields)
    assert read_question(QueryDict(question.address), fields) == question
    assert question.columns == (p.GRADE, p.TOTAL)
    assert read_question(QueryDict(""), fields) == Question()
    assert Question().columns == STARTING
    assert Question().address == ""


def test_what_is_offered_is_there(results: Results) -> None:
    choices = list_choices(seen_whole(results.run))
    assert {title for _value, title in choices.counties} == {"东山区", "西湖县"}
    assert [value for value, _title in choices.grades] == ["A", "B", "C", "D", "-"]
    for value, _title in choices.industries:
        assert ask(results.run, f"industry={value}").height > 0, value


@pytest.mark.parametrize(
    "query",
    [
        "page=99999",
        "page=-1",
        "page=x",
        "sort=--总分",
        "sort=nothing",
        "county=99999999999999999999",
        "low=--1",
        "grade=%E2%80%AE",
        "q=%27%22%3B--",
    ],
)
def test_odd_addresses_are_answered(results: Results, client: Client, query: str) -> None:
    client.force_login(results.people.clerk)
    assert client.get(results.address(f"table/?{query}")).status_code == 200


def test_the_pages_of_a_table_hold_every_row_once(results: Results, client: Client) -> None:
    client.force_login(results.people.clerk)
    codes: list[str] = []
    for page in range(1, 20):
        answer = client.get(results.address(f"table/?sort=-总分&page={page}"))
        codes += [line.code for line in answer.context["lines"]]
        if not answer.context["page"].has_next():
            break
    assert sorted(codes) == read_listing(results.run.results)[CODE].to_list()


# -- workbooks -----------------------------------------------------------------------------------------------------


def read_back(content: bytes) -> pl.DataFrame:
    sheet = fastexcel.read_excel(content).load_sheet(0, header_row=None)
    rows = sheet.to_polars()
    head = next(at for at, row in enumerate(rows.iter_rows()) if row[0] == CODE)
    names = [str(cell) for cell in rows.row(head)]
    found = rows[head + 1 :]
    found.columns = names
    return found.filter(pl.col(CODE).is_not_null())


def test_the_workbook_has_the_rows_and_columns_that_are_shown(results: Results, client: Client) -> None:
    Enterprise.objects.filter(pk=results.own.pk).update(name="=cmd|' /C calc'!A0")
    client.force_login(results.people.county_clerk)
    query = "class=规上&column=等级&column=总分&column=亩均税收:v&sort=-总分"
    answer: Any = client.post(results.address("export/"), {"query": query})
    assert answer.status_code == 200
    assert "attachment" in answer["Content-Disposition"]
    found = read_back(b"".join(answer.streaming_content))
    right = ask(results.run, query).filter(pl.col(CODE).is_in(sorted(results.inside)))
    assert found[CODE].to_list() == right[CODE].to_list()
    assert found[NAME].to_list() == right[NAME].to_list()
    assert found.columns == [CODE, NAME, "等级", "总分（分）", "亩均税收（万元/亩）"]
    scores = [round(float(score), 2) for score in found["总分（分）"] if score is not None]
    assert scores == [total / 100 for total in right[p.TOTAL] if total is not None]


def test_a_large_workbook_is_written_in_the_background_for_who_asked(
    results: Results, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "AT_ONCE", 3)
    client.force_login(results.people.county_clerk)
    answer = client.post(results.address("export/"), {"query": "grade=A"})
    assert answer.status_code == 302
    job = Job.objects.get(kind="evaluation.export")
    file = f"{answer['Location']}file/"
    assert client.get(answer["Location"]).status_code == 200
    assert client.get(file).status_code == 404
    run_pending()
    job.refresh_from_db()
    assert job.state == Job.State.DONE, job.error
    made: Any = client.get(file)
    found = read_back(b"".join(made.streaming_content))
    assert 0 < found.height == job.result["rows"]
    assert set(found[CODE]) <= results.inside
    other = Client()
    other.force_login(results.people.clerk)
    assert other.get(file).status_code == 404
    assert other.get(answer["Location"]).status_code == 404
