/** What the editor in the browser knows of a val: its files with their texts, and what was wrong when it was saved. */

import { endpointUrl } from "../api/shapes.ts";
import { all } from "../lib/rows.ts";
import type { Town } from "../lib/town.ts";
import { mayChange } from "../model/access.ts";
import type { Asker } from "../model/accounts.ts";
import { listSchedules, scheduleShape } from "../model/cron.ts";
import type { Tree } from "../model/files.ts";
import { mailAddress } from "../model/mail.ts";
import { entryOf } from "../model/names.ts";
import type { Val } from "../model/vals.ts";
import { readDiagnostics } from "../model/versions.ts";
import type { Diagnostic } from "../modules/analysis.ts";
import { handovers, type Handover } from "../run/authority.ts";

export interface EditorFile {
  id: string;
  path: string;
  type: string;
  /** Null: too large to be sent along, or no text. */
  content: string | null;
  /** Where it answers requests, or takes mail. */
  endpoint: string | null;
  email: string | null;
  /** When it runs, in words. */
  schedule: { text: string; timeZone: string; words: string; next: string[]; paused: boolean } | null;
}

export interface EditorState {
  /** What the editor's routes know the val by: its id, with `@` and that of the branch where it is not main. */
  id: string;
  branch: string;
  username: string;
  name: string;
  privacy: string;
  version: number;
  mine: boolean;
  files: EditorFile[];
  diagnostics: Diagnostic[];
  /** The lines that hand authority to code of others. */
  handovers: Handover[];
}

// Half of what the kernel lets one result have; a val with more is edited file by file by form or command line.
const TEXTS_BYTES_MAX = 8 * 1024 * 1024;

export async function editorState(town: Town, val: Val, tree: Tree, asker: Asker | undefined): Promise<EditorState> {
  const entries = [...tree.values()].filter((entry) => entry.type !== "directory");
  let left = TEXTS_BYTES_MAX;
  const wanted: string[] = [];
  for (const { hash, size } of entries) if (hash !== null && (left -= size) >= 0) wanted.push(hash);
  const rows = await all<{ hash: string; text: unknown }>(
    town.storage, "SELECT c.hash, c.text FROM json_each(:hashes) j JOIN content c ON c.hash = j.value", { hashes: JSON.stringify(wanted) },
  );
  const emails = entries.filter((entry) => entry.type === "email");
  const schedules = new Map<string, EditorFile["schedule"]>();
  if (mayChange(asker, val) && entries.some((entry) => entry.type === "interval")) {
    for (const row of await listSchedules(town, { val_id: val.id })) {
      const { schedule, timeZone, words, next, paused } = scheduleShape(row);
      schedules.set(row.file_id, { text: schedule, timeZone, words, paused, next: next.map((one) => one.words) });
    }
  }
  const texts = new Map(rows.map(({ hash, text }) => [hash, text]));
  return {
    id: val.branch === "main" ? val.id : `${val.id}@${val.branch_id}`, branch: val.branch, username: val.username, name: val.name, privacy: val.privacy, version: val.version, mine: mayChange(asker, val),
    files: entries.map((entry) => {
      const text = texts.get(entry.hash ?? "");
      return {
        id: entry.file_id, path: entry.path, type: entry.type, content: typeof text === "string" ? text : null,
        endpoint: entry.type === "http" ? endpointUrl(town.arrival, val, tree, entry) : null,
        email: entry.type === "email" ? mailAddress(town.arrival, val, entry.file_id, entryOf(emails)?.file_id === entry.file_id) : null,
        schedule: schedules.get(entry.file_id) ?? null,
      };
    }),
    diagnostics: await readDiagnostics(town, val),
    handovers: await handovers(town, tree),
  };
}
