/** Tables of an instance, and how they come to be: numbered steps that only ever add, run once each. */

import type { Storage } from "town:kernel";
import { all, isTaken } from "../lib/rows.ts";

/** Times are milliseconds since 1970, ids are UUIDs, a NULL `until` means now. */
const STEPS: string[][] = [
  [
    `CREATE TABLE setting (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID`,
    `CREATE TABLE account (
      id TEXT PRIMARY KEY, username TEXT NOT NULL UNIQUE COLLATE NOCASE, role TEXT NOT NULL,
      password TEXT, email TEXT, bio TEXT, created_at INTEGER NOT NULL)`,
    `CREATE TABLE token (
      hash TEXT PRIMARY KEY, account_id TEXT NOT NULL, name TEXT NOT NULL, scopes TEXT NOT NULL,
      created_at INTEGER NOT NULL, expires_at INTEGER) WITHOUT ROWID`,
    `CREATE INDEX token_account ON token (account_id)`,
    `CREATE TABLE session (
      hash TEXT PRIMARY KEY, account_id TEXT NOT NULL, created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL) WITHOUT ROWID`,
    `CREATE INDEX session_account ON session (account_id)`,
    `CREATE INDEX session_end ON session (expires_at)`,
    // branch_id is the branch `main`, whose version is the val's.
    `CREATE TABLE val (
      id TEXT PRIMARY KEY, owner_id TEXT NOT NULL, name TEXT NOT NULL COLLATE NOCASE, privacy TEXT NOT NULL, description TEXT,
      image_url TEXT, branch_id TEXT NOT NULL, env_revision INTEGER NOT NULL DEFAULT 0, created_at INTEGER NOT NULL,
      UNIQUE (owner_id, name))`,
    `CREATE INDEX val_listed ON val (privacy, created_at, id)`,
    `CREATE INDEX val_made ON val (created_at, id)`,
    `CREATE INDEX val_owned ON val (owner_id, created_at, id)`,
    `CREATE TABLE branch (
      id TEXT PRIMARY KEY, val_id TEXT NOT NULL, name TEXT NOT NULL, version INTEGER NOT NULL, forked_branch_id TEXT,
      created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, UNIQUE (val_id, name))`,
    `CREATE TABLE version (
      branch_id TEXT NOT NULL, number INTEGER NOT NULL, author_id TEXT NOT NULL, message TEXT, created_at INTEGER NOT NULL,
      graph TEXT NOT NULL, diagnostics TEXT NOT NULL, PRIMARY KEY (branch_id, number)) WITHOUT ROWID`,
    // A file as it was from one version until another, so a save writes what it changes and no more.
    `CREATE TABLE version_file (
      branch_id TEXT NOT NULL, file_id TEXT NOT NULL, path TEXT NOT NULL, type TEXT NOT NULL, dialect TEXT, hash TEXT,
      size INTEGER NOT NULL, since INTEGER NOT NULL, until INTEGER, updated_at INTEGER NOT NULL)`,
    `CREATE INDEX version_file_past ON version_file (branch_id, path, since)`,
    `CREATE INDEX version_file_now ON version_file (branch_id, type, path) WHERE until IS NULL`,
    `CREATE INDEX version_file_id ON version_file (file_id, since)`,
    `CREATE INDEX version_file_hash ON version_file (hash)`,
    `CREATE TABLE content (hash TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID`,
    // What the compiler said of a content; a content may be TypeScript in one file and TSX in another.
    `CREATE TABLE analysis (
      hash TEXT NOT NULL, dialect TEXT NOT NULL, imports TEXT NOT NULL, exports TEXT NOT NULL, isolation TEXT NOT NULL,
      error TEXT, PRIMARY KEY (hash, dialect)) WITHOUT ROWID`,
    `CREATE TABLE env (
      val_id TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, description TEXT, created_at INTEGER NOT NULL,
      updated_at INTEGER NOT NULL, PRIMARY KEY (val_id, key)) WITHOUT ROWID`,
  ],
];

// A fact about the database that never becomes false again while this isolate lives, hence a module variable.
let upToDate = false;

/** Brings the tables up to date; free from the second time on. */
export async function migrate(storage: Storage): Promise<void> {
  if (upToDate) return;
  await storage.execute("CREATE TABLE IF NOT EXISTS schema_step (number INTEGER PRIMARY KEY)");
  const done = (await all<{ number: number }>(storage, "SELECT count(*) AS number FROM schema_step"))[0]?.number ?? 0;
  for (let number = done; number < STEPS.length; number++) {
    const mark = { sql: "INSERT INTO schema_step (number) VALUES (:number)", args: { number } };
    try {
      await storage.batch([mark, ...(STEPS[number] as string[])]);
    } catch (error) {
      // Another isolate of this instance took the step at the same moment.
      if (!isTaken(error)) throw error;
    }
  }
  upToDate = true;
}
