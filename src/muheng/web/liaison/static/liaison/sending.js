// Sends a draft of a visit to the site, once: the key goes with it, and the site knows a key that it has had.
import { dropDraft, photosOf, readDraft } from "./drafts.js";

const TOO_LONG = 120_000; // milliseconds: many photographs over a poor line

// "sent" with the answer, "refused" with the error, "login", "offline" (no answer), "trouble" (an answer that is none), or "gone".
export async function send(key, { address, ready }) {
  const alone = (work) => (navigator.locks ? navigator.locks.request(`visit-${key}`, work) : work());
  return alone(async () => {
    const draft = await readDraft(key);
    if (!draft) return { outcome: "gone" };
    if (!navigator.onLine) return { outcome: "offline" };
    let asked;
    try {
      asked = await fetch(ready, { headers: { Accept: "application/json" }, cache: "no-store" });
    } catch {
      return { outcome: "offline" };
    }
    const person = isJson(asked) && asked.ok ? await asked.json() : null;
    if (!person || person.user !== draft.user) return { outcome: asked.status >= 500 ? "trouble" : "login" };
    const body = new FormData();
    for (const [name, value] of draft.entries) body.append(name, value);
    body.set("key", key);
    for (const photo of await photosOf(key)) body.append(photo.field, photo.blob, photo.name);
    let answer;
    try {
      answer = await fetch(address, {
        method: "POST",
        body,
        headers: { Accept: "application/json", "X-CSRFToken": person.token },
        signal: AbortSignal.timeout(TOO_LONG),
      });
    } catch {
      // It may have arrived all the same; the key keeps it one.
      return { outcome: "offline" };
    }
    if (!isJson(answer)) return { outcome: answer.redirected ? "login" : "trouble" };
    const told = await answer.json();
    if (answer.status === 201) {
      await dropDraft(key);
      return { outcome: "sent", told };
    }
    return answer.status >= 500 ? { outcome: "trouble" } : { outcome: "refused", error: told.error };
  });
}

const isJson = (answer) => (answer.headers.get("Content-Type") || "").includes("application/json");
