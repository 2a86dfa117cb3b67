// Draws GeoJSON of this site on a quiet ground: no tiles, nothing from elsewhere. <div class="map" data-map="/…/map.json">
// A feature's properties: title, href, grade or tone, note.
import { loadScript } from "./vendor.js";
import { tone } from "./charts.js";

export async function leaflet() {
  const sheet = "leaflet-sheet";
  if (!document.getElementById(sheet)) {
    const link = document.createElement("link");
    Object.assign(link, { id: sheet, rel: "stylesheet", href: new URL("../vendor/leaflet/leaflet.css", import.meta.url) });
    document.head.append(link);
  }
  await loadScript("leaflet/leaflet.js");
  return window.L;
}

export function card(properties) {
  const box = document.createElement("div");
  const title = document.createElement(properties.href ? "a" : "b");
  if (properties.href) title.href = properties.href;
  title.textContent = properties.title || "";
  box.append(title);
  if (properties.note) {
    const note = document.createElement("div");
    note.textContent = properties.note;
    box.append(note);
  }
  return box;
}

export async function drawMaps(root) {
  for (const place of root.querySelectorAll("[data-map]")) {
    if (place.dataset.drawn) continue;
    place.dataset.drawn = "yes";
    const [L, answer] = await Promise.all([leaflet(), fetch(place.dataset.map, { headers: { Accept: "application/json" } })]);
    const data = await answer.json();
    const map = L.map(place, { preferCanvas: true, attributionControl: false, zoomSnap: 0.25 });
    L.control.scale({ imperial: false }).addTo(map);
    const background = data.features.filter((feature) => feature.properties.ground);
    const shown = data.features.filter((feature) => !feature.properties.ground);
    if (background.length) {
      L.geoJSON({ type: "FeatureCollection", features: background }, {
        interactive: false,
        style: { color: tone("soft"), weight: 1, fillColor: "#fff", fillOpacity: 0.6 },
      }).addTo(map);
    }
    const layer = L.geoJSON({ type: "FeatureCollection", features: shown }, {
      style: (feature) => {
        const paint = tone(feature.properties.tone || feature.properties.grade?.[0] || "none");
        return { color: paint, weight: 1, fillColor: paint, fillOpacity: 0.65 };
      },
      pointToLayer: (feature, where) => L.circleMarker(where, { radius: 5 }),
      onEachFeature: (feature, drawn) => drawn.bindPopup(() => card(feature.properties)),
    }).addTo(map);
    const extent = (shown.length ? layer : L.geoJSON(data)).getBounds();
    if (extent.isValid()) map.fitBounds(extent, { padding: [12, 12], maxZoom: 17 });
    else map.setView([31.67, 118.5], 9);
    place.dispatchEvent(new CustomEvent("map:drawn", { bubbles: true, detail: { count: shown.length } }));
    place.dataset.features = String(shown.length);
  }
}
