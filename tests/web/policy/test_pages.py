"""Pages of methods: list, document, source, editor, comparison; for who may and who may not."""

from __future__ import annotations

from time import process_time

import pytest
from django.test import Client

from muheng.cities.pack import PACKS, find_pack, load_pack
from muheng.policy.compile import compile_policy
from muheng.policy.run import evaluate
from muheng.reports.policy_chapters import write_policy
from muheng.reports.policy_effects import find_effects
from muheng.web.people.models import User
from muheng.web.policy import effects
from muheng.web.policy.actions import take_shipped
from muheng.web.policy.documents import check_text
from muheng.web.policy.effects import Beside
from muheng.web.policy.models import PolicyVersion
from muheng.web.registry.panels import current
from web.policy.materials import BROKEN, TEXT, WIDER, YEAR, give_facts, make_version
from web.population import Population, make_city

pytestmark = pytest.mark.django_db


@pytest.fixture
def city() -> Population:
    return make_city()


def entered(city: Population, name: str = "chief") -> Client:
    client = Client()
    client.force_login(city.people[name])
    return client


def body(response: object) -> str:
    return response.content.decode()  # type: ignore[attr-defined]


def take(pack_id: str) -> None:
    pack, _found = load_pack(find_pack(pack_id))
    assert pack is not None
    take_shipped(pack)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_all_shipped_methods_are_read_as_documents(city: Population, language: str) -> None:
    client = entered(city)
    client.cookies["django_language"] = language
    for pack_id in ("maanshan", "huangyan", "wenling", "zhengzhou", "guangde", "huaian", "jingde"):
        take(pack_id)
    listed = body(client.get("/policies/"))
    for slug in (
        "ah-maanshan-demo",
        "zj-huangyan-2021",
        "zj-wenling-park-2022",
        "ha-zhengzhou-2018",
        "js-huaian-2024",
    ):
        assert slug in listed
        page = client.get(f"/policies/{slug}/")
        assert page.status_code == 200
        text = body(page)
        assert 'id="indicators"' in text
        assert ("Indicators and scoring" if language == "en" else "评价指标和计分") in text
        assert client.get(f"/policies/{slug}/1/source/").status_code == 200
        assert client.get(f"/policies/{slug}/1/versions/").status_code == 200


def test_lines_lead_to_the_source(city: Population) -> None:
    make_version()
    client = entered(city)
    line = TEXT.split("\n").index("[[veto]]") + 1
    assert f"/policies/test-2025/1/source/#L{line}" in body(client.get("/policies/test-2025/"))
    assert f'id="L{line}"><code>[[veto]]' in body(client.get("/policies/test-2025/1/source/"))


def test_a_text_with_errors_says_them_instead_of_a_document(city: Population) -> None:
    make_version(BROKEN, final=False)
    text = body(entered(city).get("/policies/test-2025/1/"))
    assert "权重合计 90，应为 100" in text
    assert 'id="indicators"' not in text


def test_only_who_may(city: Population) -> None:
    make_version(TEXT, final=False)
    for name in ("data_clerk", "owner"):
        assert entered(city, name).get("/policies/").status_code == 403
        assert entered(city, name).get("/policies/test-2025/").status_code == 403
        assert entered(city, name).post("/policies/test-2025/check/", {"text": TEXT}).status_code == 403
    assert entered(city, "leader").get("/policies/test-2025/1/").status_code == 200
    assert entered(city, "leader").get("/policies/test-2025/1/edit/").status_code == 403
    assert entered(city, "leader").post("/policies/test-2025/1/copy/", {}).status_code == 403
    assert Client().get("/policies/").status_code == 302


@pytest.mark.parametrize(
    "address", ["none/", "none/1/", "test-2025/7/", "test-2025/99999999999999999999/", "test-2025/7/edit/"]
)
def test_what_is_not_there(city: Population, address: str) -> None:
    make_version()
    assert entered(city).get(f"/policies/{address}").status_code == 404


def test_the_editor_checks_what_is_typed(city: Population) -> None:
    make_version(final=False)
    client = entered(city)
    clean = body(client.post("/policies/test-2025/check/", {"text": TEXT}, HTTP_HX_REQUEST="true"))
    assert "没有错误" in clean
    found = body(client.post("/policies/test-2025/check/", {"text": BROKEN}, HTTP_HX_REQUEST="true"))
    line = next(at for at, text in enumerate(BROKEN.split("\n"), 1) if text.startswith("weight"))
    assert f'data-line="{line}"' in found
    assert "权重合计 90" in found


def test_checking_without_a_script_keeps_what_was_typed(city: Population) -> None:
    version = make_version(final=False)
    answer = entered(city).post(
        "/policies/test-2025/1/edit/", {"text": BROKEN, "seen": version.sha256, "do": "check"}
    )
    assert answer.status_code == 200
    assert "权重合计 90" in body(answer)
    assert "weight  = 90" in body(answer)
    version.refresh_from_db()
    assert version.text == TEXT


def test_the_text_in_the_editor_is_the_text(city: Population) -> None:
    """A leading empty line, markup and entities arrive as they are."""
    odd = "\n\n# <b>&amp;</textarea>\n" + TEXT
    version = make_version(odd, final=False)
    client = entered(city)
    page = body(client.get("/policies/test-2025/1/edit/"))
    assert "&lt;/textarea&gt;" in page
    start = page.index("<textarea")
    assert page[page.index(">", start) + 1 :].startswith("\n\n\n# &lt;b&gt;")
    client.post(
        "/policies/test-2025/1/edit/",
        {"text": odd.replace("\n", "\r\n"), "seen": version.sha256, "do": "save"},
    )
    version.refresh_from_db()
    assert version.text == odd


def test_saving_and_making_final(city: Population) -> None:
    version = make_version(final=False)
    client = entered(city)
    saved = client.post(
        "/policies/test-2025/1/edit/", {"text": WIDER, "seen": version.sha256, "do": "save", "note": "A 放宽"}
    )
    assert saved.status_code == 302
    version.refresh_from_db()
    assert (version.text, version.note, version.final) == (WIDER, "A 放宽", False)
    done = client.post(
        "/policies/test-2025/1/edit/", {"text": WIDER, "seen": version.sha256, "do": "finalise"}, follow=True
    )
    assert "已定稿" in body(done)
    assert client.get("/policies/test-2025/1/edit/").status_code == 409


def test_a_broken_text_is_saved_but_not_made_final(city: Population) -> None:
    version = make_version(final=False)
    answer = entered(city).post(
        "/policies/test-2025/1/edit/", {"text": BROKEN, "seen": version.sha256, "do": "finalise"}
    )
    assert answer.status_code == 422
    assert "不能定稿" in body(answer)
    version.refresh_from_db()
    assert not version.final


def test_the_second_editor_is_told_what_the_first_changed(city: Population) -> None:
    version = make_version(final=False)
    seen = version.sha256
    first, second = entered(city, "chief"), entered(city, "chief")
    first.post("/policies/test-2025/1/edit/", {"text": WIDER, "seen": seen, "do": "save"})
    mine = TEXT.replace("100亩", "").replace('B = "75%"', 'B = "80%"')
    answer = second.post("/policies/test-2025/1/edit/", {"text": mine, "seen": seen, "do": "save"})
    text = body(answer)
    assert answer.status_code == 409
    assert "科长李" in text
    assert "由25%改为50%" in text
    assert "80%" in text
    version.refresh_from_db()
    assert version.text == WIDER
    # Saving again, having read it, puts the second text in its place.
    again = second.post("/policies/test-2025/1/edit/", {"text": mine, "seen": version.sha256, "do": "save"})
    assert again.status_code == 302
    version.refresh_from_db()
    assert version.text == mine


def test_copy_then_edit(city: Population) -> None:
    take("maanshan")
    client = entered(city)
    made = client.post(
        "/policies/ah-maanshan-demo/1/copy/", {"title": "本市新办法", "slug": "mas-2026"}, follow=True
    )
    assert made.redirect_chain[-1][0] == "/policies/mas-2026/1/edit/"
    assert "没有错误" in body(made)
    taken = client.post("/policies/ah-maanshan-demo/1/copy/", {"title": "x", "slug": "mas-2026"})
    assert taken.status_code == 409
    assert "已有办法在用" in body(taken)
    assert client.post("/policies/ah-maanshan-demo/1/draft/").status_code == 409


def test_two_versions_side_by_side_and_by_who_moves(city: Population) -> None:
    give_facts(city)
    make_version()
    make_version(WIDER, 2)
    client = entered(city)
    question = {"before": "test-2025@1", "after": "test-2025@2", "year": YEAR}
    page = body(client.get("/policies/compare/", question))
    assert "<del>名次在前 25% 以内</del>" in page
    assert "<ins>名次在前 50% 以内</ins>" in page
    assert "算一算" in page
    done = client.post("/policies/compare/", question, follow=True)
    text = body(done)
    assert "定级办法的名额的“A”由25%改为50%" in text
    assert done.context["moved"] == 3
    assert (done.context["rose"], done.context["fell"]) == (3, 0)
    assert [row["name"] for row in done.context["rows"]] == [each.name for each in city.enterprises[3:6]]
    only = client.get("/policies/compare/", {**question, "from": "B", "to": "A", "cause": "1"})
    assert only.context["found"] == 3
    assert client.get("/policies/compare/", {**question, "cause": "2"}).context["found"] == 0


def test_who_moves_is_seen_within_ones_own_place(city: Population) -> None:
    give_facts(city)
    make_version()
    make_version(WIDER.replace('B = "75%"', 'B = "90%"'), 2)
    question = {"before": "test-2025@1", "after": "test-2025@2", "year": YEAR}
    whole = entered(city).post("/policies/compare/", question, follow=True)
    assert {row["code"] for row in whole.context["rows"]} == {
        city.enterprises[at].code for at in (3, 4, 5, 9, 10)
    }
    for name, inside in (
        ("county_clerk", city.enterprises[:7]),
        ("other_county_clerk", city.enterprises[7:]),
    ):
        seen = entered(city, name).get("/policies/compare/", question)
        codes = {each.code for each in inside}
        assert {row["code"] for row in seen.context["rows"]} <= codes
        assert seen.context["everyone"] == len(codes)
        assert not any(each.name in body(seen) for each in city.enterprises if each.code not in codes)


def test_texts_that_do_not_compile_are_compared_by_wording_alone(city: Population) -> None:
    give_facts(city)
    make_version()
    make_version(BROKEN, 2, final=False)
    question = {"before": "test-2025@1", "after": "test-2025@2", "year": YEAR}
    client = entered(city)
    assert "权重由100改为90" in body(client.get("/policies/compare/", question))
    refused = client.post("/policies/compare/", question)
    assert refused.status_code == 422
    assert "还有错误" in body(refused)


def test_pages_ask_the_database_a_fixed_number_of_times(
    city: Population, django_assert_max_num_queries: object
) -> None:
    for pack_id in ("maanshan", "huangyan", "wenling", "zhengzhou"):
        take(pack_id)
    client = entered(city)
    for address, most in (
        ("/policies/", 9),
        ("/policies/ah-maanshan-demo/", 9),
        ("/policies/ah-maanshan-demo/1/versions/", 9),
    ):
        with django_assert_max_num_queries(most):  # type: ignore[operator]
            assert client.get(address).status_code == 200


def test_the_file_is_the_text(city: Population) -> None:
    make_version()
    answer = entered(city).get("/policies/test-2025/1/file/")
    assert body(answer) == TEXT
    assert answer.headers["Content-Disposition"] == 'attachment; filename="test-2025.toml"'


def test_what_rules_did_stands_beside_them(city: Population, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another room gives the effects of a run; they are this run's own figures."""
    give_facts(city)
    version = make_version()
    plan = compile_policy(TEXT).plan
    facts = current(YEAR)
    assert plan is not None
    assert facts is not None
    found = find_effects(evaluate(plan, facts), write_policy(plan))
    asked: list[tuple[str, str]] = []

    def source(user: User, about: PolicyVersion) -> Beside | None:
        asked.append((user.username, about.label))
        return Beside("2025年终算", "/evaluations/1/", found) if about == version else None

    monkeypatch.setattr(effects, "_sources", [])
    effects.add_source(source)
    effects.add_source(source)
    page = entered(city).get("/policies/test-2025/")
    text = body(page)
    assert asked == [("chief", "test-2025@1")]
    assert '<a href="/evaluations/1/">2025年终算</a>' in text
    assert "初评 3 户，调整后 2 户" in text  # the veto takes the third of the first three
    assert "1 户符合" in text
    make_version(WIDER, 2)
    assert "终算" not in body(entered(city).get("/policies/test-2025/2/"))


def test_documents_are_quick(city: Population) -> None:
    """Typing waits for nothing: checking a shipped text and writing its document takes a small part of a second."""
    for path in sorted(PACKS.glob("*/policies/*.toml")):
        text = path.read_text(encoding="utf-8")
        check_text(text, path.stem)  # once, so that nothing is loaded while the clock runs
        times = []
        for turn in range(5):
            begun = process_time()
            assert check_text(f"{text}\n# {turn}", path.stem).document is not None
            times.append(process_time() - begun)
        assert min(times) < 0.1, path.stem
