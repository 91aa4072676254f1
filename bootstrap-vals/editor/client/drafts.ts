/** What was typed and not saved, kept in this browser: offered again when the val is opened, never put in by itself. */

export interface Draft {
  version: number;
  at: number;
  files: { path: string; type: string; text: string }[];
}

const NAME = "town-drafts";
const STORE = "draft";

// One connection as long as the page lives: on its way out a page has no time to wait for another one.
let connection: Promise<IDBDatabase> | undefined;

function open(): Promise<IDBDatabase> {
  return (connection ??= new Promise((done, failed) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => {
      const database = request.result;
      // The browser may take it away, and a later town may want another one.
      database.onclose = () => (connection = undefined);
      database.onversionchange = () => (database.close(), (connection = undefined));
      done(database);
    };
    request.onerror = () => {
      connection = undefined;
      failed(request.error);
    };
  }));
}

async function within<T>(mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest): Promise<T | undefined> {
  try {
    const database = await open();
    return await new Promise<T>((done, failed) => {
      const transaction = database.transaction(STORE, mode);
      const request = work(transaction.objectStore(STORE));
      transaction.oncomplete = () => done(request.result as T);
      transaction.onerror = transaction.onabort = () => failed(transaction.error);
      // Nothing follows, and a page that is left would take with it what is not under way.
      transaction.commit();
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
