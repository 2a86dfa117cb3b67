"""Background work and what waits for one, for programs."""

from __future__ import annotations

from typing import Any

import pytest

from muheng.web.intake.actions import drop_workbooks
from muheng.web.intake.models import Batch
from muheng.web.jobs.actions import run_pending
from web.intake.workbooks import roster, roster_row, tax, taxes
from web.population import Population

pytestmark = pytest.mark.django_db


def test_ones_own_background_work(city: Population, program: Any) -> None:
    batch = drop_workbooks(city.clerk, 2025, [tax(taxes(city.enterprises, range(12)))])
    clerk = program("clerk")
    (job,) = clerk.get("/api/jobs/").json()["items"]
    assert (job["id"], job["state"], job["kind"]) == (batch.job_id, "waiting", "intake.read")
    address = f"/api/jobs/{job['id']}"
    for method in ("get", "post"):
        path = address if method == "get" else f"{address}/cancel"
        assert getattr(program("chief"), method)(path).status_code == 404
    assert program("chief").get("/api/jobs/").json()["count"] == 0
    assert clerk.post(f"{address}/cancel").json()["state"] == "cancelled"
    assert clerk.get(f"/api/intake/batches/{batch.pk}").json()["stopped"]


def test_a_file_is_taken_out_of_a_batch(city: Population, program: Any) -> None:
    files = [tax(taxes(city.enterprises, range(12))), roster([roster_row(each) for each in city.enterprises])]
    batch = drop_workbooks(city.clerk, 2025, files)
    run_pending()
    clerk = program("clerk")
    one, two = clerk.get(f"/api/intake/batches/{batch.pk}").json()["files"]
    left = clerk.delete(f"/api/intake/batches/{batch.pk}/files/{one['id']}").json()
    assert [file["id"] for file in left["files"]] == [two["id"]]
    assert (left["state"], left["reading"]) == ("reading", 2)
    assert clerk.delete(f"/api/intake/batches/{batch.pk}/files/{two['id']}").status_code == 409


def test_what_waits(city: Population, program: Any) -> None:
    drop_workbooks(city.data_clerk, 2025, [tax(taxes(city.enterprises, range(12)))])
    run_pending()
    found = program("chief").get("/api/home/todos").json()
    page = f"/intake/{Batch.objects.get().pk}/"
    assert [todo["href"] for todo in found["items"] if page in todo["href"]] == [page]
    assert page not in str(program("owner").get("/api/home/todos").json())


def test_an_enterprises_file_is_kept_over_the_api(city: Population, program: Any) -> None:
    first = city.enterprises[0]
    address = f"/api/enterprises/{first.code}"
    change = {"attribute": "scale", "value": "规上", "since": "2026-01-01", "source": "名录"}
    status = {"status": "绿色工厂", "since": "2026-01-01", "source": "文〔2026〕1号"}

    def post(who: str, path: str, given: Any) -> Any:
        return program(who).post(f"{address}/{path}", given, content_type="application/json")

    assert post("county_clerk", "attributes", change).json()["scale"] == "规上"
    assert post("county_clerk", "statuses", status).json()["statuses"][0]["status"] == "绿色工厂"
    for path, given in (("attributes", change), ("statuses", status)):
        assert post("other_county_clerk", path, given).status_code == 404
        assert post("owner", path, given).status_code == 403
    assert post("clerk", "attributes", {**change, "attribute": "code"}).status_code == 422


def test_filings_without_a_question_are_accepted_together(city: Population, program: Any) -> None:
    def accept(who: str, month: str) -> Any:
        return program(who).post("/api/filings/accept", {"month": month}, content_type="application/json")

    assert accept("clerk", "2026-01").json() == {"accepted": 0}
    assert accept("clerk", "soon").status_code == 404
    assert accept("owner", "2026-01").status_code == 403
