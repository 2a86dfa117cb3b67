// Loads a script of others, once, from this site.
const vendor = new URL("../vendor/", import.meta.url);

export function loadScript(name) {
  const found = document.querySelector(`script[data-vendor="${name}"]`);
  if (found) return found.ready;
  const script = document.createElement("script");
  script.src = new URL(name, vendor);
  script.dataset.vendor = name;
  script.ready = new Promise((resolve, reject) => {
    script.onload = resolve;
    script.onerror = reject;
  });
  document.head.append(script);
  return script.ready;
}
