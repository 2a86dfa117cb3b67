// A point's values beside its limits: <div data-series="…/series.json?…">. What is thinned is asked for anew, finer, where
// somebody looks closer. Times are China's, written as if they were UTC, so that the browser's own zone does not matter.
import { echarts, tone } from "../web/charts.js";

const SLOW = 250;
const SERIES = ["value", "measured", "aside"];

const iso = (ms) => new Date(ms).toISOString().slice(0, 19);
const show = (ms) => new Date(ms).toISOString().slice(0, 16).replace("T", " ");

function area(id, name, paint, stretches, roomy) {
  return {
    id, name, type: "line", data: [], symbol: "none", itemStyle: { color: paint }, lineStyle: { color: paint },
    markArea: {
      silent: true,
      itemStyle: { color: paint, opacity: 0.13 },
      label: { show: stretches.length <= 6 && roomy, position: id === "suspicions" ? "insideBottom" : "insideTop", color: "#3c4642", fontSize: 11 },
      data: stretches.map((each) => [{ name: each.title, xAxis: each.begin }, { xAxis: each.end }]),
    },
  };
}

function bounds(data) {
  const lines = [];
  for (const limit of data.limits) {
    for (const level of [limit.most, limit.least]) {
      if (level === null) continue;
      lines.push({
        id: `limit-${lines.length}`, name: limit.title, type: "line", symbol: "none", silent: true,
        data: [[limit.begin, level], [limit.end, level]],
        lineStyle: { type: "dashed", width: 1.5, color: tone("wrong") }, itemStyle: { color: tone("wrong") },
        endLabel: { show: true, formatter: String(level), color: tone("wrong") },
      });
    }
  }
  return lines;
}

const drawn = (data) => [data.values, data.converted ? data.measured : [], data.aside.map(([time, value, why]) => ({ value: [time, value], why: data.reasons[why] }))];

function told(data, words) {
  return (items) => {
    const box = document.createElement("div");
    box.className = "series-told";
    const given = Array.isArray(items) ? items : [items];
    const lines = [show(given[0].value[0])];
    for (const item of given) {
      if (item.value[1] === null || item.value[1] === undefined) continue;
      const unit = data.unit ? ` ${data.unit}` : "";
      lines.push(item.data.why ? `${item.value[1]}${unit} · ${words.aside}：${item.data.why}` : `${item.seriesName} ${item.value[1]}${unit}`);
    }
    for (const [name, stretches] of [[words.marks, data.marks], [words.events, data.events], [words.suspicions, data.suspicions]]) {
      for (const each of stretches) if (each.begin <= given[0].value[0] && given[0].value[0] < each.end) lines.push(`${name}：${each.title}`);
    }
    for (const text of lines) {
      const line = document.createElement("div");
      line.textContent = text;
      box.append(line);
    }
    return box;
  };
}

function option(data, words, roomy) {
  const [values, measured, aside] = drawn(data);
  return {
    animation: false,
    useUTC: true,
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily },
    grid: { left: 8, right: 44, top: roomy ? 40 : 64, bottom: 58, containLabel: true },
    legend: { top: 0, left: 0, itemHeight: 10, itemWidth: 16, icon: "roundRect" },
    tooltip: { trigger: "axis", confine: true, formatter: told(data, words) },
    xAxis: { type: "time", min: data.begin, max: data.end, axisLabel: { color: tone("soft"), hideOverlap: true } },
    yAxis: { type: "value", scale: false, axisLabel: { color: tone("soft") }, splitLine: { lineStyle: { color: "#dbe1de" } } },
    dataZoom: [{ type: "inside", filterMode: "none" }, { type: "slider", filterMode: "none", height: 22, bottom: 8 }],
    series: [
      { id: "value", name: data.title, type: "line", z: 3, data: values, showSymbol: values.length <= 60, symbolSize: 5, connectNulls: false, lineStyle: { width: 1.6, color: tone("accent") }, itemStyle: { color: tone("accent") } },
      ...(data.converted ? [{ id: "measured", name: words.measured, type: "line", data: measured, symbol: "none", connectNulls: false, lineStyle: { width: 1, type: "dotted", color: tone("B") }, itemStyle: { color: tone("B") } }] : []),
      ...(aside.length ? [{ id: "aside", name: words.aside, type: "scatter", data: aside, symbolSize: 5, itemStyle: { color: tone("none"), opacity: 0.7 } }] : []),
      ...bounds(data),
      ...(data.marks.length ? [area("marks", words.marks, tone("none"), data.marks, roomy)] : []),
      ...(data.events.length ? [area("events", words.events, tone("wrong"), data.events, roomy)] : []),
      ...(data.suspicions.length ? [area("suspicions", words.suspicions, tone("warn"), data.suspicions, roomy)] : []),
    ],
  };
}

async function ask(address, begin, end) {
  const url = new URL(address, location);
  if (begin !== undefined) {
    url.searchParams.set("from", iso(begin));
    url.searchParams.set("to", iso(end));
  }
  const answer = await fetch(url, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(`${answer.status}`);
  return answer.json();
}

async function draw(place) {
  if (place.dataset.drawn) return;
  place.dataset.drawn = "yes";
  const words = { measured: place.dataset.measured, aside: place.dataset.aside, marks: place.dataset.marks, events: place.dataset.events, suspicions: place.dataset.suspicions };
  const empty = place.parentElement.querySelector("[data-empty]");
  const failed = place.parentElement.querySelector("[data-failed]");
  let whole;
  try {
    whole = await ask(place.dataset.series);
  } catch {
    failed.hidden = false;
    place.hidden = true;
    return;
  }
  if (!whole.values.some(([, value]) => value !== null) && !whole.aside.length) {
    empty.hidden = false;
    place.hidden = true;
    return;
  }
  const library = await echarts();
  const chart = library.init(place, null, { renderer: "canvas" });
  chart.setOption(option(whole, words, place.clientWidth > 600));
  new ResizeObserver(() => chart.resize()).observe(place);
  place.dataset.rows = String(whole.rows);
  place.dataset.points = String(whole.values.length);

  let shown = { begin: whole.begin, end: whole.end };
  let timer;
  let asked = 0;

  function put(data) {
    const parts = drawn(data);
    const known = chart.getOption().series.map((each) => each.id);
    chart.setOption({ series: SERIES.map((id, at) => ({ id, data: parts[at] })).filter(({ id }) => known.includes(id)) });
    shown = { begin: data.begin, end: data.end };
    place.dataset.points = String(data.values.length);
  }

  async function refine() {
    const zoom = chart.getOption().dataZoom[0];
    const width = whole.end - whole.begin;
    const begin = whole.begin + (width * zoom.start) / 100;
    const end = whole.begin + (width * zoom.end) / 100;
    const seen = end - begin;
    const within = begin >= shown.begin && end <= shown.end;
    // Enough is there while what is shown is no small part of what was fetched.
    if (within && seen > (shown.end - shown.begin) / 2) return;
    if (seen > width / 2) {
      put(whole);
      return;
    }
    const mine = ++asked;
    const aside = seen / 4;
    const data = await ask(place.dataset.series, Math.max(begin - aside, whole.begin), Math.min(end + aside, whole.end));
    if (mine === asked) put(data);
  }

  if (whole.thinned) {
    chart.on("datazoom", () => {
      clearTimeout(timer);
      timer = setTimeout(() => refine().catch(() => {}), SLOW);
    });
  }
}

document.querySelectorAll("[data-series]").forEach(draw);
document.addEventListener("htmx:afterSettle", (event) => event.target.querySelectorAll("[data-series]").forEach(draw));
