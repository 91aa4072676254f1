/**
 * Full-text search over names, descriptions and files of branch main. The index holds vals of any privacy; who may know
 * of which is asked of the vals themselves when searching.
 */

import type { Statement } from "town:kernel";
import { badRequest } from "../lib/http.ts";
import { all } from "../lib/rows.ts";
import type { Town } from "../lib/town.ts";
import { VAL, type Val } from "./vals.ts";

// What is beyond is data rather than something somebody wrote and looks for.
const INDEXED_CHARACTERS_MAX = 200_000;
const QUERY_LENGTH_MAX = 512;
const WORDS_MAX = 16;
// Of what fits by name and of what fits at all, the newest: a word that is everywhere must not cost a look at everything,
// as an order by relevance does, which counts all that fits. Several may be of one val.
const CANDIDATES_PER_VAL = 4;
const CANDIDATES_MAX = 500;
// More than there will ever be rows, exactly representable.
const LATER = 1e12;
const EXCERPT_BEFORE = 60;
const EXCERPT_LENGTH = 200;

/** A val that was found, and the file and place in it; null where its name or description is what fits. */
export interface Found {
  val: Val;
  path: string | null;
  excerpt: string | null;
}

/** The statements that bring name and description of a val into the index. */
export function indexVal(valId: string): Statement[] {
  const args = { id: valId };
  const old = "SELECT id FROM searchable WHERE val_id = :id AND +file_id IS NULL";
  return [
    { sql: `DELETE FROM search WHERE rowid IN (${old})`, args },
    { sql: `DELETE FROM search_name WHERE rowid IN (${old})`, args },
    { sql: "DELETE FROM searchable WHERE val_id = :id AND +file_id IS NULL", args },
    { sql: "INSERT INTO searchable (val_id, file_id) VALUES (:id, NULL)", args },
    {
      sql: `INSERT INTO search (rowid, title, body)
        SELECT s.id, a.username || ' ' || v.name, coalesce(v.description, '')
        FROM searchable s JOIN val v ON v.id = s.val_id JOIN account a ON a.id = v.owner_id
        WHERE s.val_id = :id AND +s.file_id IS NULL`,
      args,
    },
    {
      sql: `INSERT INTO search_name (rowid, name) SELECT s.id, a.username || ' ' || v.name
        FROM searchable s JOIN val v ON v.id = s.val_id JOIN account a ON a.id = v.owner_id WHERE s.val_id = :id AND +s.file_id IS NULL`,
      args,
    },
  ];
}

/** The statements that bring files which a save has written or removed into the index, or out of it. */
export function indexFiles(valId: string, fileIds: string[]): Statement[] {
  if (fileIds.length === 0) return [];
  const args = { id: valId, ids: JSON.stringify(fileIds), max: INDEXED_CHARACTERS_MAX };
  const wanted = "SELECT value FROM json_each(:ids)";
  return [
    { sql: `DELETE FROM search WHERE rowid IN (SELECT id FROM searchable WHERE file_id IN (${wanted}))`, args: { ids: args.ids } },
    { sql: `DELETE FROM search_name WHERE rowid IN (SELECT id FROM searchable WHERE file_id IN (${wanted}))`, args: { ids: args.ids } },
    { sql: `DELETE FROM searchable WHERE file_id IN (${wanted})`, args: { ids: args.ids } },
    {
      sql: `INSERT INTO searchable (val_id, file_id) SELECT :id, f.file_id FROM json_each(:ids) j
        JOIN version_file f ON f.file_id = j.value WHERE f.until IS NULL AND f.hash IS NOT NULL`,
      args: { id: args.id, ids: args.ids },
    },
    {
      sql: `INSERT INTO search (rowid, title, body) SELECT s.id, f.path, substr(c.text, 1, :max) FROM json_each(:ids) j
        JOIN searchable s ON s.file_id = j.value JOIN version_file f ON f.file_id = s.file_id AND f.until IS NULL
        JOIN content c ON c.hash = f.hash WHERE typeof(c.text) = 'text'`,
      args: { ids: args.ids, max: args.max },
    },
    {
      sql: `INSERT INTO search_name (rowid, name) SELECT s.id, f.path FROM json_each(:ids) j
        JOIN searchable s ON s.file_id = j.value JOIN version_file f ON f.file_id = s.file_id AND f.until IS NULL`,
      args: { ids: args.ids },
    },
  ];
}

/** The statements that bring all of a val into the index. */
export function indexWhole(valId: string, branchId: string): Statement[] {
  const args = { id: valId, branch_id: branchId, max: INDEXED_CHARACTERS_MAX };
  return [
    ...indexVal(valId),
    {
      sql: `INSERT INTO searchable (val_id, file_id)
        SELECT :id, file_id FROM version_file WHERE branch_id = :branch_id AND until IS NULL AND hash IS NOT NULL`,
      args: { id: args.id, branch_id: args.branch_id },
    },
    {
      sql: `INSERT INTO search (rowid, title, body) SELECT s.id, f.path, substr(c.text, 1, :max) FROM searchable s
        JOIN version_file f ON f.file_id = s.file_id AND f.until IS NULL JOIN content c ON c.hash = f.hash
        WHERE s.val_id = :id AND typeof(c.text) = 'text'`,
      args: { id: args.id, max: args.max },
    },
    {
      sql: `INSERT INTO search_name (rowid, name) SELECT s.id, f.path FROM searchable s
        JOIN version_file f ON f.file_id = s.file_id AND f.until IS NULL WHERE s.val_id = :id`,
      args: { id: args.id },
    },
  ];
}

/** The statements that take a val out of the index. */
export function unindexVal(valId: string): Statement[] {
  const args = { id: valId };
  return [
    { sql: "DELETE FROM search WHERE rowid IN (SELECT id FROM searchable WHERE val_id = :id)", args },
    { sql: "DELETE FROM search_name WHERE rowid IN (SELECT id FROM searchable WHERE val_id = :id)", args },
    { sql: "DELETE FROM searchable WHERE val_id = :id", args },
  ];
}

export interface SearchWish {
  asker?: string | undefined;
  offset: number;
  limit: number;
}

/**
 * Public vals, and the asker's own, that have every word of the query: those that have them in names first, then the
 * newest. After them those that have the last word only as the beginning of a longer one.
 */
export async function searchVals(town: Town, query: string, wish: SearchWish): Promise<Found[]> {
  if (query.length > QUERY_LENGTH_MAX) throw badRequest(`A query has at most ${QUERY_LENGTH_MAX} characters`);
  const words = (query.match(/[\p{L}\p{N}_$]+/gu) ?? []).slice(0, WORDS_MAX);
  if (words.length === 0) return [];
  const whole = words.map((word) => `"${word}"`).join(" ");
  const word = (words[0] as string).toLowerCase();
  const found = await select(town, [whole], word, wish);
  // For words that begin so all that fit are gathered, so they are only asked for where there is room.
  return found.length >= wish.limit ? found : select(town, [whole, `${whole} *`], word, wish);
}

/** What fits the first of these, before what fits the next. */
async function select(town: Town, matches: string[], word: string, wish: SearchWish): Promise<Found[]> {
  const { asker, offset, limit } = wish;
  const candidates = Math.min(CANDIDATES_MAX, (offset + limit) * CANDIDATES_PER_VAL);
  const parts = matches.flatMap((_, index) => ["search_name", "search"].map((table, part) => `SELECT * FROM (
    SELECT s.val_id, s.file_id, ${(2 * index + part) * LATER} - s.id AS place
    FROM ${table} JOIN searchable s ON s.id = ${table}.rowid JOIN val o ON o.id = s.val_id
    WHERE ${table} MATCH :match${index} AND (o.privacy = 'public' OR o.owner_id = :asker) ORDER BY ${table}.rowid DESC LIMIT :candidates)`));
  const rows = await all<Val & { path: string | null; excerpt: string | null }>(
    town.storage,
    `WITH found AS (
       SELECT val_id, file_id, min(place) AS place FROM (${parts.join(" UNION ALL ")})
       GROUP BY val_id ORDER BY min(place) LIMIT :limit OFFSET :offset)
     SELECT w.*, f.path, substr(c.text, max(1, instr(lower(substr(c.text, 1, ${INDEXED_CHARACTERS_MAX})), :word) - ${EXCERPT_BEFORE}),
       ${EXCERPT_LENGTH}) AS excerpt
     FROM found m JOIN (${VAL}) w ON w.id = m.val_id LEFT JOIN version_file f ON f.file_id = m.file_id AND f.until IS NULL
     LEFT JOIN content c ON c.hash = f.hash ORDER BY m.place`,
    { ...Object.fromEntries(matches.map((match, index) => [`match${index}`, match])), candidates, asker, word, limit, offset },
  );
  return rows.map(({ path, excerpt, ...val }) => ({ val, path, excerpt }));
}
