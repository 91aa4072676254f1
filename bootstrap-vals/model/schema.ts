/** Tables of an instance, and how they come to be: numbered steps that only ever add, run once each. */

import type { Storage } from "town:kernel";
import { all, isTaken } from "../lib/rows.ts";

/** Times are milliseconds since 1970, ids are UUIDs, a NULL `until` means now. */
const STEPS: string[][] = [
  [
    `CREATE TABLE setting (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID`,
    `CREATE TABLE account (
      id TEXT PRIMARY KEY, username TEXT NOT NULL UNIQUE COLLATE NOCASE, role TEXT NOT NULL,
      password TEXT, email TEXT, bio TEXT, image_url TEXT, created_at INTEGER NOT NULL)`,
    // Whose account is gone: others import and link by these names, so nobody else may take them.
    `CREATE TABLE retired_username (username TEXT PRIMARY KEY COLLATE NOCASE) WITHOUT ROWID`,
    `CREATE TABLE token (
      hash TEXT PRIMARY KEY, id TEXT NOT NULL UNIQUE, account_id TEXT NOT NULL, name TEXT NOT NULL, scopes TEXT NOT NULL,
      created_at INTEGER NOT NULL, expires_at INTEGER) WITHOUT ROWID`,
    `CREATE INDEX token_account ON token (account_id, created_at)`,
    `CREATE TABLE session (
      hash TEXT PRIMARY KEY, account_id TEXT NOT NULL, created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL) WITHOUT ROWID`,
    `CREATE TABLE invitation (
      hash TEXT PRIMARY KEY, id TEXT NOT NULL UNIQUE, account_id TEXT NOT NULL, created_at INTEGER NOT NULL,
      expires_at INTEGER NOT NULL) WITHOUT ROWID`,
    `CREATE INDEX session_account ON session (account_id)`,
    `CREATE INDEX session_end ON session (expires_at)`,
    // branch_id is the branch `main`, whose version is the val's.
    `CREATE TABLE val (
      id TEXT PRIMARY KEY, owner_id TEXT NOT NULL, name TEXT NOT NULL COLLATE NOCASE, privacy TEXT NOT NULL, description TEXT,
      image_url TEXT, branch_id TEXT NOT NULL, env_revision INTEGER NOT NULL DEFAULT 0, created_at INTEGER NOT NULL,
      remixed_from TEXT, UNIQUE (owner_id, name))`,
    `CREATE INDEX val_remixed ON val (remixed_from, created_at) WHERE remixed_from IS NOT NULL`,
    // A val that was deleted and may come back: its row moves here, so that no query need remember to leave it out.
    `CREATE TABLE deleted_val (
      id TEXT PRIMARY KEY, owner_id TEXT NOT NULL, name TEXT NOT NULL COLLATE NOCASE, privacy TEXT NOT NULL, description TEXT,
      image_url TEXT, branch_id TEXT NOT NULL, env_revision INTEGER NOT NULL, created_at INTEGER NOT NULL,
      remixed_from TEXT, deleted_at INTEGER NOT NULL)`,
    `CREATE INDEX deleted_val_owner ON deleted_val (owner_id, deleted_at)`,
    `CREATE INDEX deleted_val_time ON deleted_val (deleted_at)`,
    // Names that vals had: they lead to the val until another one takes the name.
    `CREATE TABLE former_name (
      owner_id TEXT NOT NULL, name TEXT NOT NULL COLLATE NOCASE, val_id TEXT NOT NULL, PRIMARY KEY (owner_id, name)) WITHOUT ROWID`,
    `CREATE INDEX former_name_val ON former_name (val_id)`,
    // Which val's newest version imports which other val.
    `CREATE TABLE val_reference (
      from_id TEXT NOT NULL, to_id TEXT NOT NULL, version INTEGER NOT NULL, PRIMARY KEY (to_id, from_id)) WITHOUT ROWID`,
    `CREATE INDEX val_reference_from ON val_reference (from_id)`,
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
    // The text of a file, or the bytes of one that is no UTF-8.
    `CREATE TABLE content (hash TEXT PRIMARY KEY, text NOT NULL) WITHOUT ROWID`,
    // What the compiler said of a content; a content may be TypeScript in one file and TSX in another.
    `CREATE TABLE analysis (
      hash TEXT NOT NULL, dialect TEXT NOT NULL, imports TEXT NOT NULL, exports TEXT NOT NULL, isolation TEXT NOT NULL,
      error TEXT, PRIMARY KEY (hash, dialect)) WITHOUT ROWID`,
    // Values are sealed (lib/seal.ts). The scope is a val, or a group that vals share.
    `CREATE TABLE env (
      scope_id TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, description TEXT, created_at INTEGER NOT NULL,
      updated_at INTEGER NOT NULL, PRIMARY KEY (scope_id, key)) WITHOUT ROWID`,
    `CREATE TABLE env_group (
      id TEXT PRIMARY KEY, owner_id TEXT NOT NULL, name TEXT NOT NULL COLLATE NOCASE, created_at INTEGER NOT NULL,
      UNIQUE (owner_id, name))`,
    `CREATE TABLE env_use (
      val_id TEXT NOT NULL, group_id TEXT NOT NULL, PRIMARY KEY (val_id, group_id)) WITHOUT ROWID`,
    `CREATE INDEX env_use_group ON env_use (group_id)`,
    // What full-text search finds: a row for each val, without a file, and one for each file of its branch main.
    `CREATE TABLE searchable (id INTEGER PRIMARY KEY, val_id TEXT NOT NULL, file_id TEXT UNIQUE)`,
    `CREATE INDEX searchable_val ON searchable (val_id)`,
    `CREATE VIRTUAL TABLE search USING fts5 (title, body, content='', contentless_delete=1, tokenize="unicode61 tokenchars '_$'")`,
  ],
  [
    // What is kept of modules from elsewhere. `target`: the address redirects there. The hash of a file of a package is its
    // own address, whose archive was checked as a whole.
    `CREATE TABLE remote_module (
      url TEXT PRIMARY KEY, target TEXT, type TEXT, hash TEXT, size INTEGER, fetched_at INTEGER NOT NULL) WITHOUT ROWID`,
    `CREATE TABLE remote_content (hash TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID`,
    `CREATE TABLE package (
      name TEXT NOT NULL, version TEXT NOT NULL, integrity TEXT NOT NULL, manifest TEXT NOT NULL, files TEXT NOT NULL,
      fetched_at INTEGER NOT NULL, PRIMARY KEY (name, version)) WITHOUT ROWID`,
    // Which version a range was taken for.
    `CREATE TABLE package_choice (
      name TEXT NOT NULL, range TEXT NOT NULL, version TEXT NOT NULL, chosen_at INTEGER NOT NULL,
      PRIMARY KEY (name, range)) WITHOUT ROWID`,
  ],
  [
    // Where an address says that its types are.
    "ALTER TABLE remote_module ADD COLUMN types TEXT",
  ],
  [
    // What this town decides of towns inside it. Limits are JSON, as the kernel takes them.
    `CREATE TABLE instance (
      val_id TEXT PRIMARY KEY, suspended_at INTEGER, limits TEXT NOT NULL DEFAULT '{}',
      limited_by_owner INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID`,
    // Alarms of vals that cannot have them now. The names are JSON: the way down from the val's database.
    `CREATE TABLE held_alarm (
      val_id TEXT NOT NULL, names TEXT NOT NULL, due_at INTEGER NOT NULL, PRIMARY KEY (val_id, names)) WITHOUT ROWID`,
  ],
  [
    // What a data val of the language of `@user.val` was at its last run, as JSON; of the version that was run.
    `CREATE TABLE data_value (
      val_id TEXT PRIMARY KEY, version INTEGER NOT NULL, json TEXT NOT NULL) WITHOUT ROWID`,
  ],
  [
    // What a val's file was forked from: the hash that it had then, and the text of the image; NULL where the image had none.
    `CREATE TABLE fork_base (
      val_id TEXT NOT NULL, path TEXT NOT NULL, hash TEXT NOT NULL, image TEXT, PRIMARY KEY (val_id, path)) WITHOUT ROWID`,
    // Towns that are thrown away, and the val whose files they try.
    `CREATE TABLE trial (
      val_id TEXT PRIMARY KEY, of_id TEXT NOT NULL, version INTEGER NOT NULL, expires_at INTEGER NOT NULL) WITHOUT ROWID`,
    `CREATE INDEX trial_end ON trial (expires_at)`,
  ],
  [
    "CREATE TABLE val_like (val_id TEXT NOT NULL, account_id TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (val_id, account_id)) WITHOUT ROWID",
    "CREATE INDEX val_like_of_account ON val_like (account_id, at)",
    "CREATE INDEX val_like_newest ON val_like (at)",
  ],
  [
    // Of a trial: it has a copy of this town's data.
    "ALTER TABLE trial ADD COLUMN snapshot INTEGER NOT NULL DEFAULT 0",
  ],
  [
    // The names alone: in the index of everything, one that is in each text is found by a look at each text. Short words
    // that are typed in part are looked up and not gathered.
    `CREATE VIRTUAL TABLE search_name USING fts5 (name, content='', contentless_delete=1, prefix='1 2 3', tokenize="unicode61 tokenchars '_$'")`,
    `INSERT INTO search_name (rowid, name) SELECT s.id, a.username || ' ' || v.name
      FROM searchable s JOIN val v ON v.id = s.val_id JOIN account a ON a.id = v.owner_id WHERE s.file_id IS NULL`,
    `INSERT INTO search_name (rowid, name) SELECT s.id, f.path
      FROM searchable s JOIN version_file f ON f.file_id = s.file_id AND f.until IS NULL WHERE s.file_id IS NOT NULL`,
    // When the importing val was made: the newest of those that import a library are read and not sorted out.
    `ALTER TABLE val_reference ADD COLUMN from_made INTEGER NOT NULL DEFAULT 0`,
    `UPDATE val_reference SET from_made = coalesce((SELECT created_at FROM val WHERE id = from_id), 0)`,
    `CREATE INDEX val_reference_made ON val_reference (to_id, from_made, from_id)`,
  ],
  [
    // The version of it or of the branch it was begun from that both had in common last; its own first one unless told.
    `ALTER TABLE branch ADD COLUMN base_branch_id TEXT`,
    `ALTER TABLE branch ADD COLUMN base_version INTEGER`,
    // In the order in which the owner of a town reads them.
    `CREATE INDEX account_made ON account (created_at, id)`,
    `CREATE INDEX invitation_made ON invitation (created_at DESC, id)`,
  ],
  [
    // Which contents make a val a town.
    `CREATE INDEX analysis_town ON analysis (hash) WHERE instr(imports, '"town:system/main.ts"') > 0`,
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
