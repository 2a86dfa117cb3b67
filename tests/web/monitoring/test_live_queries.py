"""What the board, a point's series and its capture rates say, against hours and minutes that are known."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
from django.test import Client

from web.monitoring.works import CHINA, COD, DAYS, END, NOW, NOX, OVER_FROM, OVER_HOURS, START, Works

if TYPE_CHECKING:
    from muheng.web.monitoring.models import Point

OXYGEN = "a19001"


def say_latest(point: Point, minutes: float, worst: float | None, **values: dict[str, Any]) -> None:
    from muheng.web.monitoring.models import Latest

    seen = NOW - timedelta(minutes=minutes)
    Latest.objects.create(point=point, time=seen, seen_at=seen, worst=worst, values=values)


def mark(works: Works, kind: str, begin: datetime, end: datetime | None) -> None:
    from muheng.web.monitoring.models import Mark

    Mark.objects.create(point=works.stack, mark=kind, begin=begin, end=end, by=works.owner, at=begin)


# -- the board ---------------------------------------------------------------------------------------------------------


def test_worst_first_and_states_that_agree(works: Works, client: Client) -> None:
    from muheng.web.monitoring.models import Mark
    from muheng.web.monitoring.queries import board

    value = {"value": 61.0, "converted": 66.0, "flag": "N", "ratio": 1.32}
    say_latest(works.dry_stack, 1, 1.32, a21002=value)
    say_latest(works.stack, 1, 2.5, a21002={**value, "ratio": 2.5})
    say_latest(works.water, 16, 3.0, w01018={"value": 240.0, "flag": "N", "ratio": 3.0})
    mark(works, "starting", NOW - timedelta(hours=1), None)
    counts = board.count_states(works.officer, NOW)
    assert counts == {"all": 3, "over": 1, "online": 2, "offline": 1, "marked": 1, "normal": 0, "silent": 0}
    asked = board.Question()
    rows = board.worst_first(board.ask_points(works.officer, asked, NOW), asked, NOW).select_related("latest")
    shown = board.show_rows(rows, NOW)
    assert [(row.point, row.state) for row in shown] == [
        (works.dry_stack, "over"),
        (works.water, "offline"),
        (works.stack, "marked"),
    ]
    # The first has no reference oxygen: what it measured is what is judged; the other is judged as converted.
    assert [row.reading and row.reading.value for row in shown] == [61.0, 240.0, 66.0]
    assert shown[2].marks == ("启动、点火",)
    for state in (*board.STATES, "online"):
        found = board.ask_points(works.officer, board.Question(state=state), NOW).count()
        assert found == counts[state], state
    # A mark by which values are judged all the same hides nothing, nor does one that is over.
    Mark.objects.all().delete()
    mark(works, "plant_other", NOW - timedelta(hours=1), None)
    mark(works, "starting", NOW - timedelta(hours=3), NOW - timedelta(hours=1))
    assert board.count_states(works.officer, NOW)["over"] == 2


def test_the_board_and_the_map_are_narrowed(works: Works, client: Client) -> None:
    from muheng.web.monitoring.queries import board

    say_latest(works.stack, 1, 0.9, a21002={"value": 45.0, "ratio": 0.9}, a21026={"value": 7.0, "ratio": 0.2})
    say_latest(
        works.dry_stack, 1, 0.8, a21002={"value": 5.0, "ratio": 0.1}, a21026={"value": 28.0, "ratio": 0.8}
    )
    say_latest(works.water, 1, 0.5, w01018={"value": 40.0, "ratio": 0.5})

    def found(**asked: Any) -> list[Point]:
        question = board.Question(**asked)
        rows = board.ask_points(works.officer, question, NOW)
        return list(board.worst_first(rows, question, NOW))

    assert found(factor="a21026") == [works.dry_stack, works.stack]
    assert found(factor="a21002") == [works.stack, works.dry_stack]
    assert found(kind="water") == [works.water]
    assert found(q="熔炼") == [works.dry_stack]
    assert found(q=works.devices[2].mn[:23]) == [works.stack, works.dry_stack, works.water]
    assert found(q=works.devices[2].mn) == [works.water]
    assert found(county=works.people.counties[1].pk) == [works.water]
    assert found(q=works.stack.enterprise.name[:4]) == [works.stack, works.dry_stack]
    client.force_login(works.county_officer)
    assert works.water.enterprise.name not in client.get("/monitoring/").content.decode()
    features = client.get("/monitoring/map.json").json()["features"]
    shown = {each["properties"]["href"]: each["properties"] for each in features}
    assert sorted(shown) == [f"/monitoring/points/{each.pk}/" for each in (works.stack, works.dry_stack)]
    assert shown[f"/monitoring/points/{works.stack.pk}/"] == {
        "title": f"{works.stack.enterprise.name} 1号锅炉排口",
        "tone": "accent",
        "note": "正常，最高为限值的 0.90 倍",
        "href": f"/monitoring/points/{works.stack.pk}/",
    }


def test_the_receiver_is_said_to_run_only_while_it_says_so(works: Works, client: Client) -> None:
    from muheng.web.monitoring.store import store_folder

    path = store_folder() / "state.json"
    path.unlink(missing_ok=True)
    client.force_login(works.officer)
    assert "接收程序没有运行" in client.get("/monitoring/").content.decode()
    state = {
        "now": NOW.isoformat(),
        "begun": NOW.isoformat(),
        "records_per_second": 12.5,
        "counts": {"quarantined": 1234},
        "by_device": {works.devices[0].mn: {"peer": "10.0.0.1:9", "last": NOW.isoformat(), "since": None}},
    }
    path.write_text(json.dumps(state), encoding="utf-8")
    try:
        page = client.get("/monitoring/", headers={"HX-Request": "true"}).content.decode()
        assert "每秒 12.5 包，隔离 1,234 包" in page
        assert 'id="counts" hx-swap-oob="true"' in page
        assert "<html" not in page
        from muheng.web.monitoring.queries.receiver import read_contact

        assert read_contact(works.devices[0].mn)["last"] == NOW
        assert read_contact("nobody") == {}
        state["now"] = (NOW - timedelta(minutes=2)).isoformat()
        path.write_text(json.dumps(state), encoding="utf-8")
        assert "接收程序没有运行" in client.get("/monitoring/").content.decode()
        path.write_text('{"now": ', encoding="utf-8")
        assert "接收程序没有运行" in client.get("/monitoring/").content.decode()
    finally:
        path.unlink()


# -- series ------------------------------------------------------------------------------------------------------------


def ask_series(client: Client, point: Point, **asked: Any) -> Any:
    answer = client.get(f"/monitoring/points/{point.pk}/series.json", asked)
    assert answer.status_code == 200, answer.content
    return answer.json()


def ms(local: datetime) -> int:
    return int(local.replace(tzinfo=None).timestamp() - datetime(1970, 1, 1).timestamp()) * 1000


def test_hours_are_judged_as_events_are(works: Works, client: Client) -> None:
    client.force_login(works.officer)
    last = END - timedelta(days=1)
    data = ask_series(client, works.dry_stack, factor=NOX, **{"from": str(last), "to": str(last)})
    over = [value for _time, value in data["values"] if value is not None and value > 50]
    assert over == [61.2, 64.8, 70.1, 66.3, 58.9]
    first = next(time for time, value in data["values"] if value is not None and value > 50)
    assert first == ms(OVER_FROM)
    assert [(each["most"], each["title"]) for each in data["limits"]] == [(50.0, "小时限值")]
    assert data["converted"] is False
    days = client.get(f"/monitoring/points/{works.dry_stack.pk}/", {"factor": NOX, "from": str(last)})
    assert days.context["over_count"] == OVER_HOURS
    shown = {each["day"].day: (each["day"].over, str(each["verdict"])) for each in days.context["days"]}
    assert shown[last] == (OVER_HOURS, "超标")
    assert str(days.context["days"][0]["verdict"]) == "未到日终"


def test_what_does_not_count_says_why(works: Works, client: Client) -> None:
    from muheng.web.monitoring.models import Hour

    begin = datetime(2026, 11, 10, 8, tzinfo=CHINA)
    mark(works, "maintenance", begin, begin + timedelta(hours=2))
    for at, values in enumerate(([30.0, "M", 60], [30.0, "N", 30], None), 2):
        hour = Hour.objects.get(point=works.stack, time=begin + timedelta(hours=at))
        if values is None:
            del hour.values[OXYGEN]
        else:
            hour.values[NOX] = values
        hour.save()
    Hour.objects.filter(point=works.stack, time=begin + timedelta(hours=5)).delete()
    client.force_login(works.officer)
    data = ask_series(
        client, works.stack, factor=NOX, **{"from": "2026-11-10T07:00", "to": "2026-11-10T14:00"}
    )
    assert [value is None for _time, value in data["values"]] == [False, *[True] * 6]
    reasons = [data["reasons"][why] for _time, _value, why in data["aside"]]
    assert reasons == [
        "标记“维护”：数据不算有效",
        "标记“维护”：数据不算有效",
        "设备自己标为“维护”",
        "有效分钟不够",
        "氧含量缺失或过高，不能折算",
    ]
    assert [each["title"] for each in data["marks"]] == ["维护"]
    assert data["converted"] is True
    text = client.get(
        f"/monitoring/points/{works.stack.pk}/values.csv",
        {"factor": NOX, "from": "2026-11-10", "to": "2026-11-10"},
    )
    lines = text.content.decode("utf-8-sig").splitlines()
    assert len(lines) == 1 + 23
    assert sum("维护" in line for line in lines) == 3


def write_minutes(works: Works, begin: datetime, count: int) -> None:
    """Every ten minutes a value, one of a hundred in the middle; an hour is missing; each ends with a flag."""
    from muheng.monitoring.store.values import COLUMNS, day_folder
    from muheng.web.monitoring.store import store_folder

    rows = []
    for at in range(count):
        time = begin + timedelta(minutes=10 * at)
        if count // 4 <= at < count // 4 + 6:
            continue
        value = 100.0 if at == count // 2 else 20.0 + at % 3
        flag = "C" if at == count - 1 else "N"
        rows += [(time, NOX, value, flag), (time, OXYGEN, 9.0, "N")]
    frame = pl.DataFrame(rows, schema=["time", "factor", "value", "flag"], orient="row").with_columns(
        mn=pl.lit(works.devices[0].mn), kind=pl.lit("minute"), late=pl.lit(False), received=pl.lit(1),
        segment=pl.lit("2026-11-10/000001"), offset=pl.lit(0), least=None, most=None, total=None, converted=None,
    )  # fmt: skip
    frame = frame.select(pl.col(name).cast(kind) for name, kind in COLUMNS.items())
    for (day,), part in frame.group_by(pl.col("time").dt.date()):
        assert isinstance(day, date)
        folder = day_folder(store_folder(), day)
        folder.mkdir(parents=True, exist_ok=True)
        part.write_parquet(folder / "minute.9.00000001.00000002.parquet")


def test_minutes_keep_their_peak_and_their_gap(works: Works, client: Client) -> None:
    from muheng.web.monitoring.models import Event
    from muheng.web.monitoring.moments import to_aware

    begin, count = datetime(2026, 11, 1), 6 * 24 * 15
    write_minutes(works, begin, count)
    peak = begin + timedelta(minutes=10 * (count // 2))
    Event.objects.create(
        number="JC-1", point=works.stack, factor=NOX, begin=to_aware(peak), last=to_aware(peak), tier="warn",
        seen=[{"kind": "over"}], raised_at=NOW,
    )  # fmt: skip
    client.force_login(works.owner)  # its own
    asked = {"factor": NOX, "kind": "minute", "from": "2026-11-01", "to": "2026-11-15"}
    data = ask_series(client, works.stack, points=200, **asked)
    assert data["rows"] == count - 6 + 1
    assert data["thinned"] is True
    assert len(data["values"]) < 260
    assert (
        max(value for _time, value in data["values"] if value is not None) == 125.0
    )  # × (21 − 6) ÷ (21 − 9)
    gap = begin + timedelta(minutes=10 * (count // 4))
    (empty,) = [time for time, value in data["values"] if value is None][:1]
    assert ms(gap) <= empty < ms(gap + timedelta(hours=1))
    assert [each["title"] for each in data["events"]] == ["JC-1 超标"]
    assert data["reasons"] == ["设备自己标为“校准”"]
    asked |= {
        "from": f"{peak - timedelta(hours=1):%Y-%m-%dT%H:%M:%S}",
        "to": f"{peak + timedelta(hours=1):%Y-%m-%dT%H:%M:%S}",
    }
    near = ask_series(client, works.stack, points=200, **asked)
    assert near["thinned"] is False
    assert near["rows"] == 12
    client.force_login(works.people.other_owner)
    assert client.get(f"/monitoring/points/{works.stack.pk}/series.json", asked).status_code == 404
    client.force_login(works.people.data_clerk)
    assert client.get(f"/monitoring/points/{works.stack.pk}/series.json", asked).status_code == 403


def test_limits_change_within_a_series_and_what_is_too_long_is_refused(works: Works, client: Client) -> None:
    works.water.limits = [
        {"factor": COD, "most": "80", "until": "2026-11-10"},
        {"factor": COD, "most": "50", "from": "2026-11-10"},
    ]
    works.water.save()
    client.force_login(works.officer)
    data = ask_series(client, works.water, factor=COD, **{"from": "2026-11-08", "to": "2026-11-12"})
    turn = ms(datetime(2026, 11, 10))
    assert [(each["begin"], each["end"], each["most"], each["title"]) for each in data["limits"]] == [
        (ms(datetime(2026, 11, 8)), turn, 80.0, "日均值限值"),
        (turn, ms(datetime(2026, 11, 13)), 50.0, "日均值限值"),
    ]
    for asked in (
        {"kind": "realtime", "from": "2026-11-01T00:00", "to": "2026-11-09T00:00"},
        {"from": "2026-11-09T00:00", "to": "2026-11-09T00:00"},
    ):
        assert client.get(f"/monitoring/points/{works.water.pk}/series.json", asked).status_code == 422


# -- capture rates -----------------------------------------------------------------------------------------------------


def test_capture_rates_count_the_hours_that_ran(works: Works, client: Client) -> None:
    from muheng.web.monitoring.capturing import count_recent
    from muheng.web.monitoring.models import Hour, MonthCapture
    from muheng.web.monitoring.queries import capture

    Hour.objects.filter(point=works.water, time__gte=datetime(2026, 11, 1, tzinfo=CHINA)).delete()
    stopped = datetime(2026, 10, 20, tzinfo=CHINA)
    for hour in Hour.objects.filter(
        point=works.water, time__gte=stopped, time__lt=stopped + timedelta(days=2)
    ):
        hour.values = {factor: [value, "F", 60] for factor, (value, _flag, minutes) in hour.values.items()}
        hour.save()
    count_recent(lambda *_said: None)  # type: ignore[arg-type]
    october = MonthCapture.objects.get(point=works.water, month="2026-10", factor=COD)
    # Watched from the 11th; two days stopped.
    assert (october.running, october.valid) == ((31 - 10 - 2) * 24, (31 - 10 - 2) * 24)
    november = MonthCapture.objects.get(point=works.water, month="2026-11", factor=COD)
    assert (november.running, november.valid) == (19 * 24, 0)
    assert date(2026, 10, 11) == START
    assert DAYS == 40
    rows = capture.rates_in(works.officer, "2026Q4")
    assert (rows[0].point, rows[0].factor, rows[0].enough) == (works.water.pk, COD, False)
    assert all(each.enough for each in rows[1:])
    assert len(rows) == 7
    (rate,) = capture.rates_of(works.water)
    assert rate.percent == 50.0
    shares = capture.share_by_county(rows)
    assert [(each.county, each.series, each.below) for each in shares] == [
        (works.people.counties[1].pk, 1, 1),
        (works.people.counties[0].pk, 6, 0),
    ]
    client.force_login(works.county_officer)
    assert "湖心玻璃" not in client.get("/monitoring/capture/").content.decode()
    client.force_login(works.officer)
    page = client.get("/monitoring/capture/").content.decode()
    assert page.index("湖心玻璃") < page.index("东山精工")
    book = client.get("/monitoring/capture.xlsx")
    sheet = pl.read_excel(b"".join(book.streaming_content), engine="calamine", has_header=False)  # type: ignore[attr-defined]
    assert "湖心玻璃有限公司" in str(sheet.rows())


# -- for programs ------------------------------------------------------------------------------------------------------


def test_programs_are_told_the_same(works: Works, client: Client) -> None:
    from muheng.web.people.actions import make_token

    say_latest(works.dry_stack, 1, 1.3, a21002={"value": 61.0, "flag": "N", "ratio": 1.22})

    def ask(key: str, path: str, status: int = 200, **asked: str) -> Any:
        answer = client.get(f"/api/monitoring/{path}", asked, headers={"Authorization": f"Bearer {key}"})
        assert answer.status_code == status, answer.content
        return answer.json()

    officer, owner = make_token(works.officer, "a"), make_token(works.owner, "b")
    (over,) = ask(officer, "points", state="over")["items"]
    assert (over["number"], over["readings"][0]["ratio"]) == (works.dry_stack.pk, 1.22)
    assert {each["number"] for each in ask(owner, "points")["items"]} == {works.stack.pk, works.dry_stack.pk}
    shown = ask(owner, f"points/{works.stack.pk}")
    assert shown["devices"] == [works.devices[0].mn]
    assert shown["limits"][0] | {"title": ""} == {
        "factor": NOX,
        "title": "",
        "unit": "mg/m³",
        "most": 50.0,
        "least": None,
        "basis": "hour",
    }
    ask(owner, f"points/{works.water.pk}", 404)
    day = str(END - timedelta(days=1))
    path = f"points/{works.dry_stack.pk}/values"
    rows = ask(officer, path, factor=NOX, since=day, until=day)["rows"]
    assert len(rows) == 24
    assert [each["value"] for each in rows if each["value"] > 50] == [61.2, 64.8, 70.1, 66.3, 58.9]
    assert rows[0]["time"] == f"{day}T00:00:00+08:00"
    ask(officer, path, 422, factor=NOX, since=day, until="2026-01-01")
    assert ask(owner, "events") == {"items": [], "count": 0, "next": None}
