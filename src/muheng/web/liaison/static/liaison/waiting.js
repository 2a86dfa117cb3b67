// On the room's other pages: drafts that wait are sent when there is a network, and those not yet sent are named.
import { draftsOf } from "./drafts.js";
import { send } from "./sending.js";

const place = document.getElementById("waiting-visits");
if (place) {
  const user = Number(place.dataset.user);
  const line = (text, href) => {
    const row = document.createElement("p");
    row.className = href ? "message warning" : "message success";
    row.append(text);
    if (href) {
      const link = document.createElement("a");
      Object.assign(link, { href: href.address, textContent: href.title });
      row.append(" ", link);
    }
    return row;
  };
  const show = async () => {
    const said = [];
    for (const draft of await draftsOf(user)) {
      if (draft.waiting && navigator.onLine) {
        const { outcome, told } = await send(draft.key, { address: place.dataset.form, ready: place.dataset.ready });
        if (outcome === "sent") {
          said.push(line(`${place.dataset.sent}${told.said}`));
          continue;
        }
        if (outcome === "gone") continue;
      }
      said.push(line(place.dataset.kept, { address: `${place.dataset.form}#${draft.key}`, title: draft.title || place.dataset.nameless }));
    }
    place.replaceChildren(...said);
    place.hidden = !said.length;
  };
  const quietly = () => show().catch(() => {}); // a browser without a store has no drafts
  window.addEventListener("online", quietly);
  quietly();
}
