"""Daily proofs: prefilled from data, given once, never changed, missing ones known."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from web.monitoring.works import CHINA, NOW, NOX, Works

DAY = date(2026, 11, 19)


def test_what_the_data_say(works: Works) -> None:
    from muheng.web.monitoring.queries.proofs import describe_day, is_over

    points = describe_day(works.people.enterprises[0], DAY)
    assert [each["name"] for each in points] == ["1号锅炉排口", "熔炼炉排口"]
    nox = next(each for each in points[1]["factors"] if each["factor"] == NOX)
    assert (nox["over"], nox["most"], nox["limit"], nox["basis"]) == (5, 70.1, 50.0, "hour")
    assert is_over(points)
    assert not is_over(describe_day(works.people.enterprises[-1], DAY))


def test_given_once_and_never_changed(works: Works) -> None:
    from muheng.web.monitoring.actions.proofs import add_remark, is_untouched, submit_proof
    from muheng.web.monitoring.models import Proof
    from muheng.web.refusal import Refused

    enterprise = works.people.enterprises[0]
    with pytest.raises(Refused) as silent:
        submit_proof(works.owner, enterprise, DAY, complied=True)  # over, and nothing is said to it
    assert silent.value.at == "statement"
    with pytest.raises(Refused):
        submit_proof(works.people.other_owner, enterprise, DAY, complied=True, statement="代报")
    for wrong, at in ((NOW.date(), "day"), (DAY - timedelta(days=40), "day")):
        with pytest.raises(Refused) as refused:
            submit_proof(works.owner, enterprise, wrong, complied=True, statement="x")
        assert refused.value.at == at
    said = {works.dry_stack.pk: "喷氨泵跳闸", works.water.pk: "不是我的"}
    ledger = SimpleUploadedFile("台账.txt", "石灰 2 吨".encode(), "text/plain")
    proof = submit_proof(
        works.owner, enterprise, DAY, complied=False, statement="14时起超标", said=said, uploads=[ledger]
    )
    assert proof.content["said"] == {str(works.dry_stack.pk): "喷氨泵跳闸"}
    assert proof.content["files"][0]["sha256"] == proof.files.get().sha256
    with pytest.raises(Refused, match="已经提交"):
        submit_proof(works.owner, enterprise, DAY, complied=True, statement="改一下")
    add_remark(works.owner, proof, "19时恢复")
    kept = Proof.objects.get()
    assert is_untouched(kept)
    kept.content["complied"] = True
    assert not is_untouched(kept)
    assert kept.remarks.get().text == "19时恢复"


def test_what_is_missing_is_known(works: Works, clock: object) -> None:
    from muheng.web.monitoring.actions.proofs import submit_proof
    from muheng.web.monitoring.models import Point
    from muheng.web.monitoring.queries.proofs import count_missing, list_days

    plant, mill = works.people.enterprises[0], works.people.enterprises[-1]
    points = Point.objects.all()
    before_ten = NOW.replace(hour=9)
    assert count_missing(points, NOW.replace(hour=11)) == {plant.pk: 7, mill.pk: 7}
    assert count_missing(points, before_ten) == {plant.pk: 6, mill.pk: 6}  # yesterday's is not due yet
    submit_proof(works.owner, plant, DAY - timedelta(days=1), complied=True, statement="正常")
    assert count_missing(points, before_ten) == {plant.pk: 5, mill.pk: 6}
    days = list_days(plant, NOW)
    assert [each.day for each in days][:2] == [DAY, DAY - timedelta(days=1)]
    assert days[1].proof is not None
    assert days[1].late  # it was due the morning before
    assert not days[0].late
    assert days[0].due == datetime(2026, 11, 20, 10, tzinfo=CHINA)


def test_the_form(works: Works) -> None:
    from muheng.web.monitoring.models import Proof

    owner = Client()
    owner.force_login(works.owner)
    page = owner.get("/monitoring/mine/proof/").content.decode()
    assert "2026年11月19日自证" in page
    assert "5 小时超标" in page
    typed = {"day": "2026-11-19", "ledger": "石灰 2 吨", "statement": ""}
    refused = owner.post("/monitoring/mine/proof/", typed)
    assert refused.status_code == 422
    assert "石灰 2 吨" in refused.content.decode()
    done = owner.post("/monitoring/mine/proof/", typed | {"complied": "no", "statement": "喷氨泵跳闸"})
    proof = Proof.objects.get()
    assert done["Location"] == f"/monitoring/proofs/{proof.pk}/"
    page = owner.get(f"/monitoring/proofs/{proof.pk}/").content.decode()
    assert proof.digest in page
    assert "喷氨泵跳闸" in page
    assert owner.post(f"/monitoring/proofs/{proof.pk}/remark/", {"text": ""}).status_code == 422
    owner.post(f"/monitoring/proofs/{proof.pk}/remark/", {"text": "19时恢复"})
    assert "19时恢复" in owner.get(f"/monitoring/proofs/{proof.pk}/").content.decode()
    assert owner.get("/monitoring/mine/proof/?day=2026-11-19").status_code == 302
    official = Client()
    official.force_login(works.officer)
    assert official.get(f"/monitoring/proofs/{proof.pk}/").status_code == 200
    other = Client()
    other.force_login(works.people.other_owner)
    assert other.get(f"/monitoring/proofs/{proof.pk}/").status_code == 404
