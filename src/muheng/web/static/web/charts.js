// Draws the charts of a page from the figures that it carries (see muheng.web.charts). Exports the look for other charts.
import { loadScript } from "./vendor.js";

const style = getComputedStyle(document.documentElement);
const color = (name) => style.getPropertyValue(name).trim();
const TONES = {
  A: "--grade-a", B: "--grade-b", C: "--grade-c", D: "--grade-d", none: "--grade-none",
  accent: "--accent", soft: "--soft", warn: "--warn", wrong: "--wrong",
};
const PALETTE = ["#0f5c4a", "#2f6fb2", "#a86400", "#7b4fa3", "#a61b1b", "#4a7d2c", "#69736f", "#b0508a"];
export const tone = (name) => (TONES[name] ? color(TONES[name]) : name || undefined);

export async function echarts() {
  await loadScript("echarts/echarts.common.min.js");
  return window.echarts;
}

function option(spec) {
  const across = spec.kind === "bars";
  const categories = { type: "category", data: spec.categories, axisTick: { show: false }, axisLabel: { color: color("--ink"), interval: across ? 0 : "auto", hideOverlap: true } };
  if (across) categories.inverse = true;
  const values = { type: "value", splitLine: { lineStyle: { color: color("--line") } }, axisLabel: { color: color("--soft") } };
  const series = spec.series.map((each, index) => ({
    name: each.name,
    type: spec.kind === "line" ? "line" : "bar",
    stack: spec.stacked ? "all" : undefined,
    data: each.values,
    // A value that stands alone is no line: where they are few, each is a dot.
    showSymbol: each.values.filter((value) => value !== null).length <= 36,
    connectNulls: false,
    barMaxWidth: 34,
    itemStyle: { color: tone(each.tone) || PALETTE[index % PALETTE.length] },
    lineStyle: each.dashed ? { type: "dashed" } : undefined,
    markLine: each.lines ? { symbol: "none", silent: true, label: { formatter: "{b}", position: "insideEndTop" }, data: each.lines.map((line) => ({ name: line.name, yAxis: line.value })) } : undefined,
  }));
  return {
    animation: false,
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily },
    color: PALETTE,
    grid: { left: 8, right: spec.series.some((each) => each.lines) ? 44 : 18, top: spec.series.length > 1 ? 34 : 12, bottom: 8, containLabel: true },
    legend: spec.series.length > 1 ? { top: 0, left: 0, itemHeight: 10, itemWidth: 16, icon: "roundRect" } : undefined,
    tooltip: { trigger: "axis", axisPointer: { type: "shadow" }, confine: true },
    xAxis: across ? values : categories,
    yAxis: across ? categories : values,
    series,
  };
}

export async function drawCharts(root) {
  const library = await echarts();
  for (const place of root.querySelectorAll("[data-chart]")) {
    const spec = JSON.parse(document.getElementById(place.dataset.chart).textContent);
    if (spec.kind === "bars") place.style.height = `${Math.max(160, spec.categories.length * 26 + 60)}px`;
    const chart = library.getInstanceByDom(place) || library.init(place, null, { renderer: "svg" });
    chart.setOption(option(spec), true);
    new ResizeObserver(() => chart.resize()).observe(place);
  }
}

const pending = new WeakMap();
/** Draw new figures into a chart that is there; the newest of several calls in one frame wins. */
export async function redraw(place, spec) {
  pending.set(place, spec);
  const library = await echarts();
  requestAnimationFrame(() => {
    const newest = pending.get(place);
    if (!newest) return;
    pending.delete(place);
    const chart = library.getInstanceByDom(place) || library.init(place, null, { renderer: "svg" });
    chart.setOption(option(newest), true);
  });
}
