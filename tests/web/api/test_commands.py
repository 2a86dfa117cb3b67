"""Commands that talk to a site: a real one on a real socket, and others that are not what they should be."""

from __future__ import annotations

import contextlib
import io
import json
import socket
import ssl
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.db import connections, transaction
from pytest_django.live_server_helper import LiveServer

from muheng.cities.pack import load_pack
from muheng.cli import site as sites
from muheng.cli import upload as uploads
from muheng.cli.main import run
from muheng.web.evaluation.actions.running import ask_trial
from muheng.web.intake.models import Batch
from muheng.web.jobs.actions import run_pending
from muheng.web.people.actions import end_token, make_token
from muheng.web.people.models import Token, User
from muheng.web.policy.actions import start_draft, take_shipped
from muheng.web.policy.models import PolicyVersion
from web.evaluation.city import Case, make_case
from web.intake.workbooks import TAX, roster, roster_row, tax, taxes, workbook

UNTRUSTED = Path(__file__).with_name("untrusted.pem")


@dataclass(frozen=True)
class Outcome:
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        return json.loads(self.out)

    @property
    def error(self) -> Any:
        assert self.code
        return self.data["error"]


def muheng(*arguments: object, key: str | None = "mh_any", **environment: str) -> Outcome:
    """Run one command line in this process, with the key in its environment."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        known = environment if key is None else {"MUHENG_KEY": key, **environment}
        code = run([str(argument) for argument in arguments], known)
    return Outcome(code, out.getvalue(), err.getvalue())


def refused(*arguments: object, **how: Any) -> tuple[str, str, str]:
    """Kind, code and sentence of a failure."""
    error = muheng(*arguments, "--json", **how).error
    return error["kind"], error["code"], error["what"]


# -- a real site -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class City:
    """A served site with one evaluation, its first trial computed."""

    address: str
    case: Case
    run: str

    def key(self, who: str) -> str:
        return make_token(self.case.people.people[who], "command")


@pytest.fixture
def site(live_server: LiveServer) -> City:
    with transaction.atomic():
        case = make_case()
    run = ask_trial(case.people.clerk, case.evaluation, "试算")
    run_pending()
    return City(
        live_server.url, case, f"{live_server.url}/evaluations/{case.evaluation.pk}/runs/{run.number}/"
    )


def test_a_run_on_a_site_is_verified_explained_and_compared(
    site: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = site.key("clerk")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    done = muheng("verify", site.run, "--json", key=key)
    assert done.code == 0, done.out + done.err
    assert done.data["proved"]
    assert done.data["bundle"] == site.run
    # Any page of the run, the API's own address, and the key as an option lead to the same.
    for address in (
        f"{site.run}table/?page=2",
        site.run.replace("/evaluations", "/api/evaluations") + "bundle",
    ):
        again = muheng("verify", address, "--key", key, "--json", key=None)
        assert again.data["seal"] == done.data["seal"]
    name = site.case.people.enterprises[0].name
    assert muheng("explain", site.run, name, "--json", key=key).data["name"] == name
    assert muheng("compare", site.run, site.run, "--json", key=key).data["moved"] == 0
    assert muheng("whatif", site.run, "--set", "grading.quota.A=30%", "--json", key=key).code == 0
    whole = site.run.split("runs/")[0]
    assert refused("verify", whole, key=key)[:2] == ("remote", "no_run")
    assert list(tmp_path.iterdir()) == []


def test_a_policy_and_a_years_facts_are_taken_from_a_site(site: City, tmp_path: Path) -> None:
    key = site.key("clerk")
    policy, facts = f"{site.address}/policies/test-city/", f"{site.address}/api/intake/years/2025/facts"
    done = muheng(
        "evaluate", policy, "--data", facts, "--year", 2025, "--out", tmp_path / "out", "--json", key=key
    )
    assert done.code == 0, done.out + done.err
    assert done.data["read"] == [{"read_as": "facts", "rows": 12}]
    assert done.data["grades"] == muheng(
        "evaluate", policy, "--data", site.run, "--year", 2025, "--out", tmp_path / "again", "--json", key=key
    ).data["grades"]  # fmt: skip
    # Other years are not there, and data of another year are told by their address.
    assert refused("evaluate", policy, "--data", facts.replace("2025", "2024"), "--year", 2024, "--out", tmp_path / "x", key=key)[:2] == ("remote", "not_found")  # fmt: skip
    wrong = muheng(
        "evaluate", policy, "--data", facts, "--year", 2024, "--out", tmp_path / "x", "--json", key=key
    )
    assert wrong.error["kind"] == "data"
    assert facts in wrong.error["what"]


def test_a_county_gets_its_own_enterprises(site: City, tmp_path: Path) -> None:
    facts = f"{site.address}/api/intake/years/2025"
    done = muheng(
        "evaluate", f"{site.address}/policies/test-city/1/", "--data", facts, "--year", 2025, "--out", tmp_path / "o", "--json",
        key=site.key("county_clerk"),
    )  # fmt: skip
    assert done.data["enterprises"] == 7
    assert refused("check", f"{site.address}/policies/test-city/", key=site.key("owner"))[:2] == (
        "remote",
        "forbidden",
    )


def test_the_newest_final_version_is_meant(site: City) -> None:
    start_draft(site.case.policy, site.case.people.chief)
    key, address = site.key("clerk"), f"{site.address}/policies/test-city"
    done = muheng("check", address, "--json", key=key)
    assert done.code == 0
    assert done.data["checked"][0]["path"] == address
    kept = muheng("verify", site.run, "--json", key=key).data["policy"]
    assert kept == "test-city"
    draft = PolicyVersion.objects.get(number=2)
    PolicyVersion.objects.filter(pk=draft.pk).update(text=draft.text.replace("weight  = 70", "weight  = 60"))
    assert muheng("check", address, key=key).code == 0
    wrong = muheng("check", f"{address}/2/source/", "--json", key=key)
    assert (wrong.code, wrong.data["errors"]) == (1, 1)
    assert wrong.data["diagnostics"][0]["file"] == f"{address}/2/source/"
    assert refused("check", f"{address}/3/", key=key)[:2] == ("remote", "not_found")


def test_a_shipped_policy_brings_its_citys_layouts(site: City, tmp_path: Path) -> None:
    pack, _found = load_pack("maanshan")
    assert pack is not None
    (version, *_others) = take_shipped(pack)
    table = write(tmp_path, tax(taxes(site.case.people.enterprises[:1], [1])))
    more = ("--data", *table, "--year", 2025, "--out", tmp_path / "out", "--json")
    fetched = muheng(
        "evaluate", f"{site.address}/policies/{version.document.slug}/", *more, key=site.key("clerk")
    )
    assert fetched.code == 0
    assert fetched.data["city"] == muheng("evaluate", version.document.slug, *more).data["city"] is not None


def test_keys_that_open_nothing(site: City) -> None:
    assert refused("verify", site.run, key=None)[:2] == ("remote", "no_key")
    assert "MUHENG_KEY" in muheng("verify", site.run, key=None).err
    assert refused("verify", site.run, key="mh_无")[:2] == ("remote", "bad_key")
    assert refused("verify", site.run, key="mh_wrong")[:2] == ("remote", "unauthenticated")
    ended = site.key("clerk")
    end_token(site.case.people.clerk, Token.objects.get(digest=Token.digest_of(ended)).pk)
    assert refused("verify", site.run, key=ended)[:2] == ("remote", "unauthenticated")
    inactive = site.key("clerk")
    User.objects.filter(username="clerk").update(is_active=False)
    assert refused("verify", site.run, key=inactive)[:2] == ("remote", "unauthenticated")


def test_addresses_that_lead_nowhere(site: City) -> None:
    key = site.key("clerk")
    assert refused("verify", site.run.replace("runs/1", "runs/9"), key=key)[:2] == ("remote", "not_found")
    for path in ("", "/", "/enterprises/", "/nothing/at/all"):
        assert refused("verify", site.address + path, key=key)[:2] == ("remote", "not_a_source")
    for wrong in (
        "http://",
        "http://a b/evaluations/1/runs/1",
        "http://x:y/",
        "http://me:secret@host/evaluations/1/runs/1/",
    ):
        outcome = muheng("verify", wrong, "--json", key=key)
        assert (outcome.code, outcome.error["kind"]) == (2, "usage")


# -- upload ------------------------------------------------------------------------------------------


@pytest.fixture
def worker(live_server: LiveServer) -> Iterator[None]:
    """Background work beside the site, as a process of its own would do it."""
    ended = threading.Event()

    def work() -> None:
        while not ended.wait(0.05):
            run_pending()
        connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    yield
    ended.set()
    thread.join()


def write(folder: Path, *files: Any) -> list[Path]:
    written = [folder / file.name for file in files]
    for path, file in zip(written, files, strict=True):
        path.write_bytes(file.read())
    return written


def test_workbooks_are_handed_in_and_followed(site: City, worker: None, tmp_path: Path) -> None:
    enterprises = site.case.people.enterprises
    files = write(
        tmp_path,
        roster([roster_row(each) for each in enterprises[:2]], "经信 “局”.xlsx"),
        tax(taxes(enterprises[:2], ["坏", 2])),
    )
    key = site.key("clerk")
    done = muheng("upload", site.address, *files, "--year", 2025, "--wait", key=key)
    assert done.code == 0, done.out + done.err
    assert "经信 “局”.xlsx" in done.out
    assert "税务局.xlsx · 入库税收 · C2：" in done.out
    assert "错误 1 处" in done.out
    batch = Batch.objects.get()
    assert batch.state == "review"
    assert [file.name for file in batch.files.all()] == ["税务局.xlsx", "经信 “局”.xlsx"]
    assert f"{site.address}/intake/{batch.pk}/" in done.out
    assert "上传 2 个文件" in done.err
    whole = muheng("upload", f"{site.address}/", tmp_path, "--year", 2025, "--wait", "--json", "--title", "第二批", "--lang", "en", "--quiet", key=key)  # fmt: skip
    assert whole.err == ""
    data = whole.data
    assert data["batch"]["title"] == "第二批"
    assert [problem["cell"] for problem in data["problems"] if problem["severity"] == "error"] == ["C2"]
    assert "not a number" in data["problems"][0]["what"]
    assert {sheet["read"] for sheet in data["sheets"]} == {True}


def test_without_waiting_the_page_is_told(site: City, tmp_path: Path) -> None:
    files = write(tmp_path, tax(taxes(site.case.people.enterprises[:1], [1])))
    done = muheng("upload", site.address, *files, "--year", 2025, "--json", key=site.key("clerk"))
    assert done.data["batch"]["state"] == "reading"
    assert done.data["page"] == f"{site.address}/intake/{done.data['batch']['id']}/"


def test_more_problems_than_are_shown(site: City, worker: None, tmp_path: Path) -> None:
    rows = taxes([each for _ in range(20) for each in site.case.people.enterprises], ["坏"] * 240)
    files = write(tmp_path, tax(rows))
    key = site.key("clerk")
    assert "……另有" in muheng("upload", site.address, *files, "--year", 2025, "--wait", key=key).out
    data = muheng("upload", site.address, *files, "--year", 2025, "--wait", "--json", key=key).data
    assert (
        sum(problem["severity"] == "error" for problem in data["problems"])
        == data["batch"]["counts"]["errors"]
        >= 240
    )


def test_what_the_site_does_not_take(site: City, tmp_path: Path) -> None:
    (tmp_path / "文件.xlsx").write_bytes(b"%PDF-1.7")
    kind, code, what = refused(
        "upload", site.address, tmp_path / "文件.xlsx", "--year", 2025, key=site.key("clerk")
    )
    assert (kind, code) == ("remote", "invalid")
    assert "PDF" in what
    assert (
        "PDF"
        in refused("upload", site.address, tmp_path, "--year", 2025, "--lang", "en", key=site.key("clerk"))[2]
    )
    assert refused("upload", site.address, tmp_path, "--year", 2025, key=site.key("owner"))[:2] == (
        "remote",
        "forbidden",
    )
    assert not Batch.objects.exists()
    gone = muheng(
        "upload", site.address, tmp_path / "没有.xlsx", "--year", 2025, "--json", key=site.key("clerk")
    )
    assert gone.error["kind"] == "file"


def test_a_reading_that_does_not_end_well(
    site: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever stops waiting loses nothing; a reading that was stopped is told as such."""
    files = write(tmp_path, tax(taxes(site.case.people.enterprises[:1], [1])))

    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(uploads.time, "sleep", interrupt)
    stopped = muheng("upload", site.address, *files, "--year", 2025, "--wait", key=site.key("clerk"))
    assert stopped.code == 130
    assert f"/intake/{Batch.objects.get().pk}/" in stopped.err

    def cancel(_seconds: float) -> None:
        job = Batch.objects.get(state="reading", job__state="waiting").job
        assert job is not None
        job.state = "cancelled"
        job.save()

    Batch.objects.all().delete()
    monkeypatch.setattr(uploads.time, "sleep", cancel)
    ended = muheng("upload", site.address, *files, "--year", 2025, "--wait", "--json", key=site.key("clerk"))
    assert (ended.code, ended.error["kind"], ended.error["code"]) == (1, "remote", "not_read")


def test_a_large_workbook_goes_out_in_parts(
    site: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = workbook({"税收": [TAX, *([each.code, each.name, 1] for each in site.case.people.enterprises)]})
    (tmp_path / "税务局.xlsx").write_bytes(content)
    monkeypatch.setattr(sites, "_PART", 100)
    done = muheng("upload", site.address, tmp_path, "--year", 2025, "--json", key=site.key("clerk"))
    (file,) = done.data["batch"]["files"]
    assert file["size"] == len(content)


# -- what is not a site, or not there ----------------------------------------------------------------

RUN = "/evaluations/1/runs/1/"
Answer = Callable[[BaseHTTPRequestHandler], None]


@contextlib.contextmanager
def served(answer: Answer, certificate: Path | None = None) -> Iterator[str]:
    """A server that answers every request in one way; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def says(
    status: int, body: bytes, kind: str = "text/html", length: int | None = None, **headers: str
) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (says(200, b"<html>Welcome"), "connection", "unexpected"),
        (says(404, b"<html>Not found"), "connection", "unexpected"),
        (says(403, b'{"error": "no"}', "application/json"), "connection", "unexpected"),
        (says(200, b'{"fine": true}', "application/json"), "connection", "unexpected"),
        (says(502, b"Bad gateway"), "connection", "unexpected"),
        (says(302, b"", Location="http://elsewhere.example/login"), "connection", "unexpected"),
        (says(200, b"PK\x03\x04 half", "application/octet-stream", length=999), "connection", "no_answer"),
        (says(409, b'{"error": {"code": "conflict", "what": "W", "fix": "F", "at": ""}}', "application/json"), "remote", "conflict"),
        (says(409, b'{"error": {"code": "conf', "application/json", length=999), "connection", "unexpected"),
    ],
)  # fmt: skip
def test_answers_that_are_not_what_was_asked_for(answer: Answer, kind: str, code: str) -> None:
    with served(answer) as address:
        assert refused("verify", address + RUN)[:2] == (kind, code)
        english = muheng("verify", address + RUN, "--lang", "en").err
    assert not any("\u4e00" <= letter <= "\u9fff" for letter in english), english


def test_a_key_goes_nowhere_else() -> None:
    asked: list[str] = []
    with served(lambda handler: asked.append(handler.path)) as elsewhere:
        with served(says(307, b"", Location=elsewhere + "/api" + RUN)) as address:
            outcome = muheng("verify", address + RUN)
        assert elsewhere in outcome.err
    assert asked == []


def test_a_bundle_that_is_none() -> None:
    with served(says(200, b"PK\x03\x04 nothing", "application/octet-stream")) as address:
        outcome = muheng("verify", address + RUN, "--json")
    assert outcome.error["kind"] == "bundle"


@pytest.mark.parametrize("name", ["../facts.json", "/facts.json", "evil.sh", "source-000.parquet/x"])
def test_a_zip_of_facts_with_more_in_it_is_not_opened(name: str, tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(name, "{}")
    with served(says(200, packed.getvalue(), "application/octet-stream")) as address:
        facts = f"{address}/api/intake/years/2025"
        found = refused(
            "evaluate", "ah-maanshan-demo", "--data", facts, "--year", 2025, "--out", tmp_path / "out"
        )
    assert found[:2] == ("connection", "unexpected")
    assert not (tmp_path / "out").exists()


def test_a_site_that_is_down() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    kind, code, what = refused("verify", f"http://127.0.0.1:{port}{RUN}")
    assert (kind, code) == ("connection", "no_answer")
    assert "没有网站在运行" in what
    assert "找不到主机" in refused("verify", f"http://nowhere.invalid{RUN}")[2]


def test_a_site_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sites, "PATIENCE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        what = refused("verify", f"http://127.0.0.1:{silent.getsockname()[1]}{RUN}")[2]
    assert "太久没有回答" in what


def test_a_server_that_speaks_otherwise() -> None:
    def babble(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"220 mail.example ESMTP\r\n")

    with served(babble) as address:
        assert "答的不是网页" in refused("verify", address + RUN)[2]
        assert "加密连接" in refused("verify", address.replace("http:", "https:") + RUN)[2]


def test_certificates(monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = says(200, b"PK\x03\x04 nothing", "application/octet-stream")
    with served(bundle, UNTRUSTED) as address:
        assert "证书验证不过" in refused("verify", address + RUN)[2]
        monkeypatch.setenv("SSL_CERT_FILE", str(UNTRUSTED))
        assert muheng("verify", address + RUN, "--json").error["kind"] == "bundle"
