"""Figures, the ranking and the papers as people see them: what each may see, and that every figure leads to its cases."""

from __future__ import annotations

import hashlib
import io
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from html import unescape

import docx
import openpyxl
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from muheng.casework.figures import Figures
from muheng.web.audit.models import Entry
from muheng.web.casework import measures
from muheng.web.casework.actions import act, open_case
from muheng.web.casework.measures import BYS, FIGURES, Cut, Sight, cases_behind, count_in_hand, measure
from muheng.web.casework.models import Case, CaseTally, Paper
from muheng.web.casework.papers import issue, papers_for, read_paper
from muheng.web.people.actions import appoint, make_department, make_person, take_roles
from muheng.web.people.models import Organisation, User
from muheng.web.refusal import Refused
from web.population import PASSWORD, Population, make_city

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 3, tzinfo=UTC)
TODAY = date(2026, 11, 20)


@dataclass
class Town:
    """The city with cases: seven closed in the first county, one late; two in the other; three open, one overdue."""

    city: Population
    offices: tuple[Organisation, Organisation]
    handlers: tuple[User, User]


@pytest.fixture
def town(monkeypatch: pytest.MonkeyPatch) -> Town:
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)
    city = make_city()
    handlers, offices = [], []
    for number, county in enumerate(city.counties):
        office = make_department("自然资源和规划局", county)
        person = make_person(f"handler{number}", f"承办{number}", PASSWORD)
        appoint(person, take_roles()["handler"], office)
        handlers.append(person)
        offices.append(office)
    made = Town(city, (offices[0], offices[1]), (handlers[0], handlers[1]))
    for number in range(7):
        close(made, 0, date(2026, 11, 2) + timedelta(days=number % 4), 3, rating=5 if number % 2 else 2)
    close(made, 0, date(2026, 9, 1), 40, rating=None)
    close(made, 1, date(2026, 11, 3), 6, rating=4)
    close(made, 1, date(2026, 10, 9), 5, rating=4)
    raise_demand(made, 0, date(2026, 11, 19))
    raise_demand(made, 0, date(2026, 11, 2), title="临时用电 <b>扩容</b>")
    raise_demand(made, 1, date(2026, 11, 18), kind="money")
    return made


def moment(day: date, hour: int = 2) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def raise_demand(town: Town, county: int, day: date, kind: str = "land", title: str = "二期用地") -> Case:
    owner = town.city.owner if county == 0 else town.city.other_owner
    enterprise = town.city.enterprises[0 if county == 0 else -1]
    return open_case(
        owner,
        "demand",
        title,
        enterprise=enterprise,
        kind=kind,
        fields={"detail": "厂区东侧道路拓宽占去约3亩。"},
        at=moment(day),
    )


def close(town: Town, county: int, day: date, days: int, rating: int | None) -> Case:
    owner = town.city.owner if county == 0 else town.city.other_owner
    clerk = town.city.county_clerk if county == 0 else town.city.other_county_clerk
    case = raise_demand(town, county, day)
    end = moment(day + timedelta(days=days))
    office, handler = town.offices[county], town.handlers[county]
    act(clerk, case, "accept", at=moment(day, 3))
    act(clerk, case, "dispatch", organisation=office, handler=handler, at=moment(day, 4))
    act(handler, case, "answer", note="已现场办结。", fields={"outcome": "已解决"}, at=end)
    act(owner, case, "confirm", at=end)
    if rating is not None:
        act(owner, case, "rate", rating=rating, at=end)
    return case


def sign_in(person: User, lang: str = "zh") -> Client:
    client = Client()
    client.force_login(person)
    client.cookies["django_language"] = lang
    return client


def see(person: User, name: str, *args: object, **asked: object) -> str:
    response = sign_in(person).get(reverse(f"casework:{name}", args=args), asked)
    assert response.status_code == 200, response.status_code
    return unescape(response.content.decode())


# -- figures ------------------------------------------------------------------------------------------------


def test_figures_of_any_days_and_groups_are_those_of_the_cases_behind_them(town: Town) -> None:
    spans = [
        (date(2026, 11, 1), TODAY),
        (date(2026, 11, 2), date(2026, 11, 8)),
        (date(2026, 1, 1), date(2026, 11, 10)),
        (date(2026, 9, 15), date(2026, 11, 30)),
        (date(2026, 10, 1), date(2026, 10, 31)),
    ]
    for sight in (Sight(everything=True), Sight(counties=frozenset({town.city.counties[0].pk}))):
        for first, last in spans:
            whole = measure("whole", Cut(), sight, first, last, TODAY).get(None, Figures())

            def behind(
                figure: measures.Figure, within: tuple[Sight, date, date] = (sight, first, last)
            ) -> int:
                return cases_behind(figure, Cut(), *within, TODAY).count()

            assert whole.opened == behind("opened")
            assert whole.closed == behind("closed")
            assert (whole.on_time, whole.late) == (behind("on_time"), behind("late"))
            assert whole.rated == behind("rated")
            assert whole.rated - whole.satisfied == behind("dissatisfied")
            assert whole.promised - whole.promised_kept == behind("promised_late")
            for by in BYS:
                parts = measure(by, Cut(), sight, first, last, TODAY).values()
                assert sum(parts, Figures()) == whole, by
        hand = count_in_hand("whole", Cut(), sight, TODAY)[None]
        assert (hand.open, hand.overdue) == (
            cases_behind("open", Cut(), sight, TODAY, TODAY, TODAY).count(),
            cases_behind("overdue", Cut(), sight, TODAY, TODAY, TODAY).count(),
        )
        assert hand.open in (3, 2)
        assert hand.overdue >= 1


def test_figures_read_indexes_and_not_the_cases(town: Town) -> None:
    """SQLite plans without knowing how many rows there are: what it does here it does with a million."""
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL plans by the rows that are there")
    everything, days = Sight(everything=True), (date(2026, 10, 5), date(2026, 10, 20))
    county_number = town.city.counties[0].pk
    county = Sight(counties=frozenset({county_number}))
    with CaptureQueriesContext(connection) as asked:
        office = town.offices[0].pk
        for cut in (Cut(types=("demand",)), Cut(), Cut(organisation=office), Cut(county=county_number)):
            for sight in (everything, county):
                for by in ("whole", "county", "organisation", "kind"):
                    measure(by, cut, sight, *days, TODAY, opened=False)  # type: ignore[arg-type]
                    count_in_hand(by, cut, sight, TODAY)  # type: ignore[arg-type]
    with connection.cursor() as cursor:
        for query in asked.captured_queries:
            cursor.execute(f"EXPLAIN QUERY PLAN {query['sql']}")
            steps = [row[3] for row in cursor.fetchall() if "casework_case" in row[3]]
            assert all("COVERING INDEX" in step for step in steps), (steps, query["sql"])


def test_the_page_says_the_figures_and_each_leads_to_its_cases(town: Town) -> None:
    page = see(town.city.clerk, "measures")
    assert "办理情况 · 2026年11月" in page
    for head in ("按时办结率", "平均净用时", "满意率", "现在超期"):
        assert head in page
    client = sign_in(town.city.clerk)
    links = re.findall(r'<a href="(/cases/measures/cases/[^"]+)">([\d,]+)</a>', page)
    assert len({href for href, _text in links}) > 8
    for href, text in links:
        found = re.search(r"共 (\d+) 件", client.get(href).content.decode())
        assert found is not None
        assert found[1] == text, href
    shares = re.findall(r'<a href="(/cases/measures/cases/[^"]+)">[\d.]+%</a>', page)
    assert shares
    for href in shares:
        assert client.get(href).status_code == 200


def test_every_period_cut_and_kind_can_be_asked_for(town: Town) -> None:
    for span in ("week", "month", "quarter", "year"):
        for by in ("county", "organisation", "handler", "kind", "type"):
            see(town.city.clerk, "measures", span=span, by=by, type="all")
    page = see(town.city.clerk, "measures", kind="money", span="year")
    assert "西湖县" in page
    odd = {"span": "age", "day": "gestern", "type": "x", "county": "-1", "person": "١", "kind": "%"}
    assert sign_in(town.city.clerk).get(reverse("casework:measures"), odd).status_code == 200


def test_the_questions_of_the_page_do_not_grow_with_the_cases(
    town: Town, django_assert_max_num_queries: object
) -> None:
    with django_assert_max_num_queries(30):  # type: ignore[operator]
        see(town.city.clerk, "measures", by="organisation", span="year")


def test_a_county_is_told_its_own_figures_and_its_own_place(town: Town) -> None:
    page = see(town.city.county_clerk, "measures", span="year")
    assert "东山区" in page
    assert "西湖县" not in page
    ranking = see(town.city.county_clerk, "ranking")
    assert "第 1 名" in ranking
    assert "全市共 2 个县区" in ranking
    assert "西湖县" not in ranking
    both = see(town.city.clerk, "ranking")
    assert "东山区" in both
    assert "西湖县" in both
    other = see(town.city.other_county_clerk, "measured", figure="closed", county=town.city.counties[0].pk)
    assert "共 0 件" in other


def test_smaller_places_see_what_is_theirs_and_others_nothing(town: Town) -> None:
    page = see(town.city.township_clerk, "measures", span="year")
    assert "新增" in page
    for person in (town.handlers[0], town.city.owner, town.city.data_clerk):
        for name in ("measures", "ranking", "papers", "measured"):
            assert sign_in(person).get(reverse(f"casework:{name}")).status_code == 403


def test_who_closed_too_few_is_not_ranked(town: Town) -> None:
    page = see(town.city.clerk, "ranking", span="month")
    assert "不排名" in page
    assert "办结不足3件的不排名。" in page


def test_workbooks_hold_what_the_pages_show(town: Town) -> None:
    client = sign_in(town.city.clerk)
    response = client.get(reverse("casework:measures-xlsx"), {"span": "year"})
    sheet = openpyxl.load_workbook(io.BytesIO(b"".join(response.streaming_content))).active  # type: ignore[arg-type]
    rows = {row[0]: row for row in sheet.iter_rows(values_only=True)}
    assert rows["东山区"][2] == 8
    assert rows["合计"][1:3] == (13, 10)
    response = client.get(reverse("casework:ranking-xlsx"))
    sheet = openpyxl.load_workbook(io.BytesIO(b"".join(response.streaming_content))).active  # type: ignore[arg-type]
    assert [row[2] for row in sheet.iter_rows(min_row=4, max_row=5, values_only=True)] == ["东山区", "西湖县"]


def test_pages_in_english(town: Town) -> None:
    client = sign_in(town.city.clerk, "en")
    for name in ("measures", "ranking", "papers"):
        text = client.get(reverse(f"casework:{name}")).content.decode()
        shown = re.sub(r'<(p|article|details)[^>]*lang="zh-hans".*?</\1>', "", text, flags=re.S)
        assert not re.search("办理|县区排名|例会", shown), name


# -- papers ---------------------------------------------------------------------------------------------------


def test_the_sheet_of_the_week_says_what_the_figures_say(town: Town) -> None:
    page = see(town.city.clerk, "paper-draft", "meeting", day="2026-11-05")
    assert "在办企业诉求3件" in page
    assert "办结8件" not in page  # that is of the month
    month = see(town.city.clerk, "paper-draft", "review")
    assert "办结8件" in month
    assert "截至2026年11月20日，11月全市新增企业诉求11件" in month
    assert (
        "<b>扩容</b>"
        not in sign_in(town.city.clerk)
        .get(reverse("casework:paper-draft", args=["meeting"]))
        .content.decode()
    )


def test_what_was_issued_stays_as_it_was_handed_out(town: Town) -> None:
    chief = sign_in(town.city.chief)
    with pytest.raises(Refused):
        issue(town.city.clerk, "meeting", town.city.root, TODAY)
    response = chief.post(
        reverse("casework:paper-issue", args=["meeting"]),
        {"place": town.city.root.pk, "day": "2026-11-20", "said": "用电扩容由谁牵头 <省厅> & 市局\n\n  "},
    )
    assert response.status_code == 302
    paper = Paper.objects.get()
    assert Entry.objects.filter(verb="casework.issue", detail__docx=paper.docx.sha256).exists()
    before = article(town.city.chief, paper)
    word = b"".join(chief.get(reverse("casework:paper-file", args=[paper.pk, "docx"])).streaming_content)  # type: ignore[arg-type]
    assert hashlib.sha256(word).hexdigest() == paper.docx.sha256
    text = "\n".join(each.text for each in docx.Document(io.BytesIO(word)).paragraphs)
    assert "1．用电扩容由谁牵头 <省厅> & 市局" in text
    assert "截至2026年11月20日，全市在办企业诉求3件" in text
    assert "{" not in text
    close(town, 1, date(2026, 11, 17), 1, rating=5)
    assert article(town.city.chief, paper) == before
    second = issue(town.city.chief, "meeting", town.city.root, TODAY)
    assert (second.edition, second.docx.sha256 != paper.docx.sha256) == (2, True)
    assert "后来又印发过一版" in see(town.city.chief, "paper-issued", paper.pk)
    assert read_paper(second).edition == 2


def article(person: User, paper: Paper) -> str:
    return see(person, "paper-issued", paper.pk).partition("<article")[2].partition("</article")[0]


def test_a_county_issues_and_sees_its_own_papers_only(town: Town) -> None:
    county_chief = make_person("county_chief", "县科长", PASSWORD)
    appoint(county_chief, take_roles()["section_chief"], town.city.counties[0])
    made = issue(county_chief, "review", town.city.counties[0], TODAY)
    assert [each.name for each in read_paper(made).standings] == ["东山区"]  # type: ignore[union-attr]
    with pytest.raises(Refused):
        issue(county_chief, "review", town.city.root, TODAY)
    assert not papers_for(town.city.other_county_clerk).exists()
    client = sign_in(town.city.other_county_clerk)
    assert client.get(reverse("casework:paper-issued", args=[made.pk])).status_code == 404
    assert client.get(reverse("casework:paper-file", args=[made.pk, "docx"])).status_code == 404
    draft = reverse("casework:paper-draft", args=["review"])
    assert client.get(draft, {"place": town.city.counties[0].pk}).status_code == 404
    assert see(town.city.chief, "papers").count(made.title) == 1


def test_a_week_that_has_not_begun_is_not_issued(town: Town) -> None:
    with pytest.raises(Refused, match="还没有开始"):
        issue(town.city.chief, "meeting", town.city.root, TODAY + timedelta(days=7))


def test_visits_of_the_week_and_the_workbook(town: Town) -> None:
    visit = open_case(
        town.city.clerk,
        "visit",
        "季度走访",
        enterprise=town.city.enterprises[0],
        at=moment(date(2026, 11, 17)),
    )
    fields = {"visited_on": "2026-11-18", "way": "上门走访", "seen": "新线投产，缺电工。"}
    act(town.city.clerk, visit, "record", fields=fields, at=moment(date(2026, 11, 18)))
    paper = issue(town.city.chief, "meeting", town.city.root, TODAY)
    [seen] = read_paper(paper).visits  # type: ignore[union-attr]
    assert (seen.enterprise, seen.found) == ("东山精工机械有限公司", "新线投产，缺电工。")
    book = openpyxl.load_workbook(paper.xlsx.path.open("rb"))
    assert book.sheetnames == ["各县区", "新增", "办结", "超期", "已上报", "下周到期", "走访", "需要研究"]
    assert {each.value for each in book["走访"]["B"]} >= {"东山精工机械有限公司"}


def test_all_figures_have_a_name(town: Town) -> None:
    from muheng.web.casework.pages.measures import name_figures

    assert set(name_figures()) == set(FIGURES)
    assert CaseTally.objects.exists()
