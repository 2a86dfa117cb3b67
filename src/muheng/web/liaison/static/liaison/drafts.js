// Drafts of visits on this machine: what was typed, and pictures, each in a store of its own so that typing stays quick.
const opened = new Promise((resolve, reject) => {
  const asked = indexedDB.open("muheng-visits", 1);
  asked.onupgradeneeded = () => {
    asked.result.createObjectStore("drafts", { keyPath: "key" });
    asked.result.createObjectStore("photos", { keyPath: "id" }).createIndex("draft", "draft");
  };
  asked.onsuccess = () => resolve(asked.result);
  asked.onerror = () => reject(asked.error);
});
opened.catch(() => {}); // told to whoever asks

async function change(stores, mode, work) {
  const base = await opened;
  return new Promise((resolve, reject) => {
    const deed = base.transaction(stores, mode);
    const answer = work(...stores.map((name) => deed.objectStore(name)));
    deed.oncomplete = () => resolve(answer?.result);
    deed.onabort = deed.onerror = () => reject(deed.error);
  });
}

export const newKey = () => {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
};

export const keepDraft = (draft) => change(["drafts"], "readwrite", (drafts) => drafts.put(draft));
export const readDraft = (key) => change(["drafts"], "readonly", (drafts) => drafts.get(key));
export const keepPhoto = (photo) => change(["photos"], "readwrite", (photos) => photos.put(photo));
export const dropPhoto = (id) => change(["photos"], "readwrite", (photos) => photos.delete(id));
export const photosOf = (key) => change(["photos"], "readonly", (photos) => photos.index("draft").getAll(key));

// A person's own, the newest first: others may use the same machine.
export async function draftsOf(user) {
  const every = await change(["drafts"], "readonly", (drafts) => drafts.getAll());
  return every.filter((draft) => draft.user === user).sort((one, other) => other.changed - one.changed);
}

export const dropDraft = (key) => change(["drafts", "photos"], "readwrite", (drafts, photos) => {
  drafts.delete(key);
  photos.index("draft").getAllKeys(key).onsuccess = (event) => event.target.result.forEach((id) => photos.delete(id));
});
