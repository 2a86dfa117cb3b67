"""The pages of a run open, say what the library found, and show each person no more than their own place."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from muheng.intake.facts import CODE
from muheng.policy import plan as p
from muheng.policy.compare import compare
from muheng.policy.cuts import find_cuts
from muheng.web.evaluation.models import Run, SavedFilter
from muheng.web.evaluation.queries.comparison import find_job
from muheng.web.evaluation.runs import LAST, read_listing, read_result
from muheng.web.jobs.actions import run_pending
from muheng.web.people.models import User
from web.evaluation.results_city import Results, try_run

pytestmark = pytest.mark.django_db

PAGES = ("", "table/", "cuts/", "moves/", "groups/", "map/", "map.json", "policy/", "simulation/")
CODES = re.compile(r"/enterprises/([0-9A-Z]{18})/")


def as_person(person: User, language: str = "zh-hans") -> Client:
    client = Client()
    client.force_login(person)
    client.cookies["django_language"] = language
    return client


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_each_page_opens(results: Results, language: str) -> None:
    client = as_person(results.people.clerk, language)
    more = (f"enterprises/{results.own.code}/", "groups/?by=park", "groups/?by=county", "cuts/?show=close")
    for rest in (*PAGES, *more):
        answer = client.get(results.address(rest))
        assert answer.status_code == 200, (rest, answer.content.decode()[:400])


def test_pages_cost_few_questions(results: Results, django_assert_max_num_queries: object) -> None:
    client = as_person(results.people.clerk)
    for rest in PAGES:
        client.get(results.address(rest))
        with django_assert_max_num_queries(14):  # type: ignore[operator]
            client.get(results.address(rest))


def test_the_overview_counts_what_the_listing_has(results: Results) -> None:
    listing = read_listing(results.run.results)
    answer = as_person(results.people.clerk).get(results.address())
    best = listing.filter(listing[p.GRADE] == "A").height
    assert answer.context["best_count"] == best > 0
    assert answer.context["ungraded"] == listing[p.GRADE].null_count()
    assert len(answer.context["findings"]) >= 2


# -- who sees what -------------------------------------------------------------------------------------------------


def test_no_page_names_an_enterprise_of_another_place(results: Results) -> None:
    everyone = set(read_listing(results.run.results)[CODE])
    for person, own in (
        (results.people.county_clerk, results.inside),
        (results.people.other_county_clerk, everyone - results.inside),
    ):
        client = as_person(person)
        for rest in (*PAGES, "table/?sort=-总分", "cuts/?show=close", "groups/?by=township"):
            answer = client.get(results.address(rest))
            assert answer.status_code == 200, rest
            named = set(CODES.findall(answer.content.decode()))
            assert named <= own, rest
            assert not named & (everyone - own)
        assert client.get(results.address("table/")).context["count"] == len(own & everyone)


def test_counts_of_a_county_are_of_its_own(results: Results) -> None:
    listing = read_listing(results.run.results)
    inside = listing.filter(listing[CODE].is_in(sorted(results.inside)))
    context = as_person(results.people.county_clerk).get(results.address()).context
    assert context["subjects"] == inside.height
    assert context["best_count"] == inside.filter(inside[p.GRADE] == "A").height


def test_the_park_and_the_township_see_theirs(results: Results) -> None:
    whole = as_person(results.people.clerk)
    for person, question in (
        (results.people.park_clerk, None),
        (results.people.township_clerk, results.people.townships[0]),
    ):
        count = as_person(person).get(results.address("table/")).context["count"]
        assert 0 < count < whole.get(results.address("table/")).context["count"]
        assert question is None or count <= len(results.inside)


def test_another_places_enterprise_is_not_found(results: Results) -> None:
    client = as_person(results.people.county_clerk)
    outside = next(code for code in read_listing(results.run.results)[CODE] if code not in results.inside)
    for rest in (f"enterprises/{outside}/", f"enterprises/{outside}/advice/?grade=A"):
        assert client.get(results.address(rest)).status_code == 404
    assert client.get(results.address(f"enterprises/{results.own.code}/")).status_code == 200


def test_an_enterprises_account_and_strangers_are_kept_out(results: Results) -> None:
    for rest in (*PAGES, f"enterprises/{results.own.code}/"):
        assert as_person(results.people.owner).get(results.address(rest)).status_code == 404
        assert as_person(results.people.data_clerk).get(results.address(rest)).status_code == 404
        assert Client().get(results.address(rest)).status_code == 302


def test_a_run_without_results_says_so(results: Results) -> None:
    waiting = Run.objects.get(pk=results.run.pk)
    waiting.pk, waiting.number, waiting.results, waiting.state = None, 99, "", Run.State.WAITING
    waiting.save()
    client = as_person(results.people.clerk)
    assert client.get(results.address("", waiting)).status_code == 200
    assert client.get(results.address("table/", waiting)).status_code == 409
    assert client.get(results.address("", None).replace("/runs/1/", "/runs/77/")).status_code == 404


def test_numbers_that_no_database_holds_are_not_found(results: Results) -> None:
    client, many = as_person(results.people.clerk), "9" * 25
    base = f"/evaluations/{results.evaluation.pk}/runs/"
    for address in (
        f"/evaluations/{many}/runs/1/",
        f"{base}{many}/table/",
        f"{base}1/export/{many}/",
        f"/api{base}{many}/results",
    ):
        assert client.get(address).status_code == 404, address
    assert client.get(f"{base}1/moves/?against={many}").status_code == 200


# -- cuts ----------------------------------------------------------------------------------------------------------


def test_cuts_show_who_stands_on_either_side(results: Results) -> None:
    answer = as_person(results.people.clerk).get(results.address("cuts/"))
    cuts = find_cuts(read_result(results.run.results))
    assert answer.context["many"] == len(cuts) > 0
    for border, cut in zip(answer.context["borders"], cuts, strict=True):
        edges = [side.code for side, _total in border["sides"] if side.edge]
        assert edges == [cut.last_in.code, cut.first_out.code]
        totals = [side.total for side, _total in border["sides"]]
        assert totals == sorted(totals, reverse=True)
        assert len(totals) > 2


# -- who moved -----------------------------------------------------------------------------------------------------


def test_the_matrix_against_last_year_adds_up(results: Results) -> None:
    moves = as_person(results.people.clerk).get(results.address("moves/")).context["moves"]
    listing = read_listing(results.run.results)
    assert sum(row.total for row in moves["matrix"]) == listing.height
    both = listing.filter(listing[p.GRADE].is_not_null() & listing[LAST].is_in(list("ABCD")))
    assert moves["many_up"] + moves["many_down"] + moves["same"] == both.height


def test_another_run_is_compared_in_the_background_with_causes(results: Results) -> None:
    text = results.policy.text.replace('A = "20%"', 'A = "30%"').replace("weight  = 40", "weight  = 45")
    text = text.replace("weight  = 15", "weight  = 10", 1)
    second = try_run(results.people.clerk, results.evaluation, "优先的多一些", text)
    client = as_person(results.people.clerk)
    address = results.address("moves/?against=1", second)
    assert client.get(address).context.get("matrix") is None
    client.post(results.address("moves/compare/", second), {"against": "1"})
    client.post(results.address("moves/compare/", second), {"against": "1"})
    run_pending()
    job = find_job(results.run, second)
    assert job is not None
    assert job.state == "done", job.error
    assert type(job).objects.filter(kind="evaluation.compare").count() == 1
    context = client.get(address).context
    truth = compare(read_result(results.run.results), read_result(second.results))
    assert context["moved"] == truth.moves.height > 0
    assert [many for _at, _what, many in context["causes"]] == [cause.moved for cause in truth.causes]
    first = as_person(results.people.county_clerk).get(address).context
    second_county = as_person(results.people.other_county_clerk).get(address).context
    assert first["moved"] + second_county["moved"] == context["moved"]
    assert {line["code"] for line in first["lines"]} <= results.inside


def test_a_comparison_with_nothing_is_refused(results: Results) -> None:
    client = as_person(results.people.clerk)
    for against in ("", "99", "x"):
        assert client.post(results.address("moves/compare/"), {"against": against}).status_code == 404


# -- filters that are kept -----------------------------------------------------------------------------------------


def test_a_filter_is_kept_given_another_question_and_dropped(results: Results) -> None:
    client = as_person(results.people.clerk)
    save = results.address("table/save/")
    client.post(save, {"name": "升级的A", "query": "grade=A&moved=up&nonsense=1&sort=-总分"})
    kept = SavedFilter.objects.get(user=results.people.clerk)
    assert "nonsense" not in kept.query
    again = client.get(results.address(f"table/?{kept.query}")).context["question"]
    assert (again.grades, again.moved, again.sort, again.descending) == (("A",), "up", p.TOTAL, True)
    client.post(save, {"name": "升级的A", "query": "grade=B"})
    assert SavedFilter.objects.get(user=results.people.clerk).query == "grade=B"
    other = as_person(results.people.chief)
    drop = results.address(f"table/drop/{kept.pk}/")
    assert other.post(drop).status_code == 404
    assert "升级的A" not in other.get(results.address("table/")).content.decode()
    for name in (" ", "\x00", "\u202e"):
        assert client.post(save, {"name": name, "query": "grade=A"}).status_code == 422
    client.post(drop)
    assert not SavedFilter.objects.exists()
