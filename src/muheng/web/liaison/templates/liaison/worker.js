// Opens the form of a visit where there is no network. Looks after that page and what it is drawn with, nothing else:
// everything is asked of the site first, and what it last answered is used when it cannot be reached.
const PAGE = "{{ page }}";
const KEPT = "visit-form-1";

self.addEventListener("install", (event) => event.waitUntil(self.skipWaiting()));

self.addEventListener("activate", (event) => event.waitUntil((async () => {
  for (const name of await caches.keys()) if (name.startsWith("visit-form") && name !== KEPT) await caches.delete(name);
  await self.clients.claim();
})()));

// The page says what it was drawn with.
self.addEventListener("message", (event) => event.waitUntil((async () => {
  const { keep } = event.data || {};
  if (!Array.isArray(keep)) return;
  const cache = await caches.open(KEPT);
  const page = await fetch(PAGE, { redirect: "manual" });
  if (page.ok) await cache.put(PAGE, page);
  await Promise.all(keep.filter(isOurs).map((address) => cache.add(address)));
  event.source?.postMessage({ kept: page.ok });
})()));

const isOurs = (address) => {
  const { origin, pathname } = new URL(address);
  return origin === self.location.origin && !pathname.startsWith("/api/");
};

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET" || !isOurs(request.url)) return;
  const path = new URL(request.url).pathname;
  if (request.mode === "navigate" && path === PAGE) event.respondWith(askFirst(request, PAGE));
  else if (path.startsWith("/static/")) event.respondWith(askFirst(request, request));
});

async function askFirst(request, name) {
  if (self.navigator.onLine) {
    try {
      return await fetch(request);
    } catch {
      // No answer: as if there were no network.
    }
  }
  const cache = await caches.open(KEPT);
  return (await cache.match(name, { ignoreSearch: true, ignoreVary: true })) || Response.error();
}
