/** What was typed and not saved, kept in this browser: offered again when the val is opened, never put in by itself. */

export interface Draft {
  version: number;
  at: number;
  files: { path: string; type: string; text: string }[];
}

const NAME = "town-drafts";
const STORE = "draft";

function open(): Promise<IDBDatabase> {
  return new Promise((done, failed) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => done(request.result);
    request.onerror = () => failed(request.error);
  });
}

async function within<T>(mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest): Promise<T | undefined> {
  try {
    const database = await open();
    return await new Promise<T>((done, failed) => {
      const request = work(database.transaction(STORE, mode).objectStore(STORE));
      request.onsuccess = () => done(request.result as T);
      request.onerror = () => failed(request.error);
    });
  } catch {
    // A browser that keeps nothing for us: there are no drafts then.
    return undefined;
  }
}

export function readDraft(id: string): Promise<Draft | undefined> {
  return within<Draft>("readonly", (store) => store.get(id));
}

export async function writeDraft(id: string, draft: Draft): Promise<void> {
  await within("readwrite", (store) => store.put(draft, id));
}

export async function dropDraft(id: string): Promise<void> {
  await within("readwrite", (store) => store.delete(id));
}
