// The city's parcels: what the window shows is asked for anew when it moves, so that a whole city stays light.
import { card, leaflet } from "../web/map.js";
import { tone } from "../web/charts.js";

const place = document.getElementById("city-map");

async function read(question) {
  const answer = await fetch(`${place.dataset.address}?${new URLSearchParams(question)}`, { headers: { Accept: "application/json" } });
  return answer.json();
}

async function draw() {
  const L = await leaflet();
  const [west, south, east, north] = place.dataset.box.split(",").map(Number);
  const map = L.map(place, { preferCanvas: true, attributionControl: false, zoomSnap: 0.25 });
  L.control.scale({ imperial: false }).addTo(map);
  map.fitBounds([[south, west], [north, east]], { padding: [12, 12] });
  L.geoJSON(await read({ ground: 1 }), {
    interactive: false,
    style: { color: tone("soft"), weight: 1, fillColor: "#fff", fillOpacity: 0.6 },
  }).addTo(map);

  let shown = null;
  let newest = 0;
  async function refresh() {
    const mine = ++newest;
    const seen = map.getBounds().pad(0.1);
    const box = [Math.max(seen.getWest(), -180), Math.max(seen.getSouth(), -90), Math.min(seen.getEast(), 180), Math.min(seen.getNorth(), 90)];
    const data = await read({ box: box.map((each) => each.toFixed(6)).join(","), by: place.dataset.by, state: place.dataset.state });
    if (mine !== newest || data.error) return;
    const layer = L.geoJSON(data, {
      style: (feature) => {
        const paint = tone(feature.properties.tone || "none");
        return { color: paint, weight: 1, fillColor: paint, fillOpacity: 0.65 };
      },
      pointToLayer: (feature, where) => L.circleMarker(where, { radius: 6 + 3 * Math.log10(feature.properties.many || 1) }),
      onEachFeature: (feature, drawn) => drawn.bindPopup(() => card(feature.properties)),
    });
    if (shown) shown.remove();
    shown = layer.addTo(map);
    document.getElementById("map-note").textContent = data.whole ? "" : place.dataset.partial;
    place.dataset.features = String(data.features.length);
  }
  let waiting = 0;
  map.on("moveend", () => {
    clearTimeout(waiting);
    waiting = setTimeout(refresh, 120);
  });
  await refresh();
}

if (place) draw();
