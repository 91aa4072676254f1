/**
 * What the kernel offers a program: storage, HTTP and eval, and nothing else. Schema and manual in one;
 * a test holds this file against the kernel's own list of calls.
 *
 * HTTP has no name here: requests come in by `export default { fetch }` and go out by the global `fetch()`.
 */
declare module "town:kernel" {
  /** This program's own database. `undefined` where the program was started without storage. */
  export const storage: Storage | undefined;
  /** Starts other programs, each in a sandbox of its own. `undefined` where the program was started without. */
  export const loader: Loader | undefined;
  /** Plain data given by whoever started this program: settings, secrets. `Deno.env` and `process.env` read its strings. */
  export const env: Readonly<Record<string, unknown>>;
  /** Overrides of the image in this instance. `undefined` where the program was started without storage. */
  export const system: System | undefined;

  // ---- Storage -------------------------------------------------------------------------------

  /** A value SQLite can hold. Integers beyond 2^53 come back as bigint. */
  export type SqlValue = null | number | bigint | string | Uint8Array;
  /** What may be bound: booleans become 0 or 1, a Date its ISO string, `undefined` null. */
  export type SqlArgument = SqlValue | boolean | Date | undefined;

  export interface Statement {
    sql: string;
    /** Positional, or by name: the keys without their `:`, `@` or `$`. */
    args?: SqlArgument[] | Record<string, SqlArgument>;
  }

  export interface ResultSet {
    columns: string[];
    /** Declared types in upper case; an empty string for an expression. */
    columnTypes: string[];
    /** Each row is an array in the order of `columns`. */
    rows: SqlValue[][];
    rowsAffected: number;
    lastInsertRowid: number | bigint;
  }

  /**
   * One SQLite database and, below it, others by name. There is no way up: a name never reaches outside.
   * Statements that fail reject with an `SqliteError` (`code` is SQLite's own, as `SQLITE_CONSTRAINT_UNIQUE`).
   */
  export interface Storage {
    execute(statement: string | Statement): Promise<ResultSet>;
    /** All or nothing, in one transaction. `mode` is `write` unless told. */
    batch(statements: (string | Statement)[], mode?: "write" | "read" | "deferred"): Promise<ResultSet[]>;
    /** A database below this one, created by its first write. The name is 1 to 64 bytes, any characters. */
    sub(name: string): Storage;
    /** The names of the databases directly below. */
    subs(prefix?: string): Promise<string[]>;
    /** Deletes the database of that name, everything below it, and their alarms, and ends the programs that have them. */
    drop(name: string): Promise<void>;
    /**
     * Changes with every commit to this database (not to those below). Known as of the start of the request being
     * served, or of the last answer this isolate got, whichever is newer: a free validity check for caches.
     */
    readonly revision: number;
    /** Resolves with the revision as soon as it is greater than `after`. */
    changed(after: number): Promise<number>;
    /** Bytes on disk, of this database and of all below it together, and the most they may have. */
    usage(): Promise<{ bytes: number; bytesBelow: number; bytesMax: number }>;
    /**
     * Calls `alarm()` of the instance's program at that time or soon after, at least once, across restarts. One alarm a
     * database; null removes it. An alarm below is delivered to the program above, by name.
     */
    setAlarm(at: Date | null): Promise<void>;
    /**
     * This database and all below it as they are at one moment, with their alarms: the body of the response is a tar
     * archive of SQLite files after a `manifest.json` with their names and digests. Programs may write meanwhile. The
     * note travels in the manifest, for everybody to read.
     */
    export(note?: string): Promise<Response>;
    /**
     * Makes the database of that name, which must not be there yet, and those below it of an archive: the body of the
     * request or response. All of it is there when this resolves, and nothing where it rejects.
     */
    import(name: string, archive: Request | Response): Promise<Imported>;
    /**
     * The same of a database that this program can reach: what `export` would give, without the detour. `without`: names
     * directly below it that the copy has not. `silent`: it has no alarms.
     */
    copy(name: string, from: Storage, selection?: { without?: string[]; silent?: boolean }): Promise<Imported>;
  }

  /** What came of an archive. */
  export interface Imported {
    databases: number;
    bytes: number;
    /** As it was given to `export`. */
    note: string | null;
  }

  export interface AlarmEvent {
    /** The way down from this program's storage to the database whose alarm it is: `[]` for its own. */
    names: string[];
    /** When it was due. */
    scheduledAt: Date;
    /** How many deliveries of it failed before this one. */
    retries: number;
  }

  // ---- Loader --------------------------------------------------------------------------------

  export interface Loader {
    /**
     * The isolates of that id, shared by every isolate of this program. `program` is asked for only when none lives;
     * so an id names one exact program: put the version into it.
     */
    get(id: string, program: () => Program | Promise<Program>): Isolate;
    /** A fresh isolate, ended after its first request, call or alarm. */
    load(program: Program): Isolate;
    /** Compiles without running. Rejects with a SyntaxError that has `line` and `column` (from 1) and `excerpt`. */
    compile(source: string, options: CompileOptions): Promise<Compiled>;
  }

  export interface CompileOptions {
    type: "ts" | "tsx" | "js" | "jsx";
    /** Where JSX comes from when the file has no `@jsxImportSource`: a specifier such as `https://esm.sh/react`. */
    jsxImportSource?: string;
    /** The name of the source in its map. */
    specifier?: string;
    /** For a program that this one starts, which need not be compiled again then; else for a browser or another town. */
    forProgram?: boolean;
  }

  export interface Compiled {
    code: string;
    /** Source map, version 3, as JSON. */
    map: string;
    imports: { specifier: string; line: number; column: number; dynamic: boolean; attributes: Record<string, string> }[];
    /** Exported names; `*` stands for a re-export of everything. */
    exports: string[];
  }

  export interface Program {
    /** Specifier of the module whose exports are the program. */
    main: string;
    /** Specifier to source. A closed map is the normal case; `town:system/...` need not be in it. */
    modules: Record<string, Module | Redirect>;
    /** Asked when a dynamic import names a specifier that the map lacks. */
    resolve?(specifier: string, referrer: string): Promise<Module | Redirect | undefined> | Module | Redirect | undefined;
    /** Plain data (what structured clone can carry), `env` of `town:kernel`; its strings are `Deno.env`. */
    env?: Record<string, unknown>;
    /** Omitted: the program has no storage. */
    storage?: Storage;
    /**
     * Further databases of the asking program, which appear to this one as directly below its own: `storage.sub(name)`
     * leads there instead. They hide what it has of the same name, are not listed, and it cannot drop them.
     */
    mounts?: Record<string, Storage>;
    /** Omitted: the program cannot start others. `depth`: how many levels of programs may be below it. */
    loader?: { depth?: number };
    /** Omitted: `fetch` is refused. */
    outbound?: Outbound;
    /** Each is the minimum of what is asked for and what the asking program has. */
    limits?: Limits;
    /** For `loader.load`: the `id` in records of its runs. */
    recordId?: string;
    /**
     * It is of the image, whatever overrides that in its storage. `reload`, `change` and `health` of its `system` are about
     * the program that the asking one knows by this id, and which has the same storage.
     */
    repairs?: string;
    /** `request`: every request has a pristine process of its own. `shared` (the default): one serves many at a time. */
    isolation?: "shared" | "request";
  }

  /**
   * The main module has the program's authority. Any other has it where the module that imports it has it, and it is
   * `trusted`, or both are of one `group`, or the importing line says `with { authority: "caller" }`; a module that is
   * imported both ways runs once with and once without. Without authority everything of `town:kernel` is undefined, and
   * `Deno.env`, `process.env` and `import.meta.env` are empty.
   */
  export interface Module {
    type: "ts" | "tsx" | "js" | "jsx" | "cjs" | "json" | "text" | "bytes";
    source: string | Uint8Array;
    trusted?: boolean;
    group?: string;
    /** Not there for modules without authority. */
    private?: boolean;
    /** Where JSX comes from when the file has no pragma. */
    jsxImportSource?: string;
    /** What this module imports by names of its own: the specifier as it writes it, to the one in the program's map. */
    imports?: Record<string, string>;
  }
  /** Importing this specifier is importing that one, and `import.meta.url` is that one. */
  export interface Redirect {
    redirect: string;
  }

  export interface Outbound {
    /** Exact host names, or `*.example.com`. Omitted: every host. */
    hosts?: string[];
    /** Loopback, private and link-local addresses too. Only where the asking program may. */
    private?: boolean;
  }

  export interface Limits {
    /** Wall time of a request until its response begins, and again until its next chunk; of a call or alarm as a whole. */
    deadlineMs?: number;
    /** CPU time of one run. */
    cpuMs?: number;
    /** How long the event loop may stand still. */
    stallMs?: number;
    /** Memory of one isolate beyond what every isolate shares. */
    memoryMb?: number;
    /** Bytes of a request's and of a response's body. */
    bodyBytes?: number;
    /** Characters of console lines a run may keep. */
    logBytes?: number;
    /** Requests one isolate serves at a time. */
    requestsOpen?: number;
    /** Isolates of one id at a time. */
    isolates?: number;
    /** Bytes in storage, all databases below included. */
    storageBytes?: number;
  }

  /** A running program. Rejections are `IsolateError`s. */
  export interface Isolate {
    /**
     * Streams both ways. A body that is handed on unread does not pass through this program. The headers of the response
     * may be changed.
     */
    fetch(request: Request): Promise<Response>;
    /** As if the request had gone to that URL: cheaper than another Request. */
    fetch(url: string, request: Request, forward?: Forward): Promise<Response>;
    /** Calls an export by name; arguments and result are structured clones. */
    call(name: string, args: unknown[]): Promise<unknown>;
    alarm(event: AlarmEvent): Promise<void>;
    /**
     * Has the program made and compiled, and starts nothing: the first that is asked of it need not wait for that. A
     * program of `load` is made when it is used.
     */
    prepare(): Promise<void>;
    /** Ends every isolate of this id now. */
    cancel(reason?: string): Promise<void>;
    /**
     * Of this program and all that it has started in turn: isolates that live now, and the runs that have ended and
     * their CPU since the program was started. Zeros where none of that id lives.
     */
    usage(): Promise<{ isolates: number; runs: number; cpuMs: number }>;
  }

  /** What the kernel changes in a request on its way to a program, and in the response on its way back. */
  export interface Forward {
    /** Headers to set or, by null, to remove. */
    request?: Record<string, string | null>;
    response?: {
      /** Set where the response has none of `unless`. */
      defaults?: { headers: Record<string, string>; unless: string[] };
      append?: Record<string, string>;
      /** Cookies lose their Domain, stay below `path` (without a slash at its end), and never have the name `reserved`. */
      cookies?: { path?: string; reserved?: string };
      /** Where it redirects to an address that begins so, by whole segments, that beginning is replaced. */
      location?: { from: string; to: string };
    };
    route?: Route;
  }

  /**
   * Which requests the kernel may hand on like this one from now on, without asking this program: GET, HEAD, POST, PUT,
   * PATCH and DELETE, while `storage.revision` is what it was and an isolate's program is known by the same id. A request
   * that fails on its way comes to the export `failed(request, error)`, without its body, for an answer.
   */
  export interface Route {
    /**
     * The handler that decides so. A route counts only where this is the program's default export: a program that wraps
     * another's handler sees every request, as it expects.
     */
    by: object;
    /** How their URLs begin: an origin, or an origin and whole segments of a path, without a slash at the end. */
    from: string;
    /** What takes the place of that beginning. */
    to: string;
    /** Where what follows that beginning begins so, by whole segments, this program is asked. */
    except?: string;
    /** Headers that a request must have with exactly this value or, by null, must not have. */
    when?: Record<string, string | null>;
    /** The revision by which this was decided. */
    revision: number;
  }

  /** Why a run gave no answer. `name` is `IsolateError`. */
  export interface IsolateError extends Error {
    outcome: Outcome;
    /** In the author's files, lines and columns. For the owner's eyes. */
    stack: string;
    /** The limit that was reached, by its name in `Limits`, and its value. */
    limit?: string;
    value?: number;
  }

  /**
   * `exception`: threw or rejected, or returned no Response. `load`: did not compile, link or evaluate. `crash`: the process
   * died (`message` has the signal). `overload`: no room for another isolate or request. The rest name a limit.
   */
  export type Outcome =
    | "ok" | "exception" | "load" | "crash" | "canceled" | "overload"
    | "deadline" | "cpu" | "stall" | "memory" | "recursion" | "body" | "depth";

  // ---- Tail ----------------------------------------------------------------------------------

  /**
   * What `export function tail(batch)` gets: what the programs started by this one did, in the order in which it was
   * known. Who only stores it has a database read `json` and spends no time on its records.
   */
  export interface TailBatch {
    /** An array of `TailEvent` as JSON, at most a few MiB. */
    readonly json: string;
    /** The same, read when it is first asked for. */
    readonly events: TailEvent[];
  }
  export type TailEvent = RunEvent | LogEvent;

  /** One run, when it has ended. */
  export interface RunEvent {
    type: "run";
    /** 16 hexadecimal digits. */
    run: string;
    /**
     * The run that asked for it, if any: of the parent program or, where the parent program has passed on a request that a
     * `fetch` within the town has made, the run of that `fetch`.
     */
    parent: string | null;
    /** What the loader was given as id; for `load` the `recordId`, or null. */
    id: string | null;
    kind: "fetch" | "call" | "alarm";
    /** Milliseconds since 1970. */
    startedAt: number;
    endedAt: number;
    cpuMs: number;
    /** The most memory the isolate had resident until the run ended, bytes, with what it shares with others. */
    memoryPeak: number;
    outcome: Outcome;
    /** Message and mapped stack of what went wrong; null when nothing did. */
    error: { message: string; stack: string; limit?: string; value?: number } | null;
    method: string | null;
    url: string | null;
    status: number | null;
    /** The first 8 KiB of them, of a request alone; values of those that are secrets are left out. */
    requestHeaders: [name: string, value: string][] | null;
    responseHeaders: [name: string, value: string][] | null;
    /** The first 4 KiB of what was read of it: text, or base64 where it is none. `length` is of all. Null: there was none. */
    requestBody: { text?: string; base64?: string; length: number; whole: boolean } | null;
    /** The first KiB of it, in the same way. */
    responseBody: { text?: string; base64?: string; length: number; whole: boolean } | null;
    /** Console lines over the limit, counted instead of kept. */
    linesDropped: number;
    /** Whose modules ran without authority: each a `group`, or the specifier of a module that is in none. At most 64. */
    libraries: string[];
    /** What such modules asked for and were not given, in this run or while the program loaded, each once. At most 64. */
    refused: Refusal[];
  }

  export interface Refusal {
    /**
     * `env`: a variable that the program has, or by `*` all of them. `file`: one that is data. `kernel`: the exports of
     * `town:kernel`. `private`: a module that is `private`. `trusted`: one that is, and runs without authority there.
     * `authority`: to hand it over.
     */
    what: "env" | "file" | "kernel" | "private" | "trusted" | "authority";
    /** As it was asked for. */
    name: string;
    /** The specifier of the module that asked; empty where that is not known. */
    module: string;
  }

  export interface LogEvent {
    type: "log";
    run: string;
    id: string | null;
    at: number;
    level: "debug" | "info" | "log" | "warn" | "error";
    text: string;
  }

  // ---- System --------------------------------------------------------------------------------

  export interface SystemFile {
    /** As in `town:system/<path>`. */
    path: string;
    /** Where the text comes from; `added` is an override of nothing. */
    from: "image" | "override" | "added";
    /** Of an override: when it was written, milliseconds since 1970, and what was said then. */
    at?: number;
    note?: string | null;
    /** Of an override: SHA-256 of its text, hexadecimal. */
    digest?: string;
    /** Of an override: the image's file is another by now than the one it was made from. */
    moved?: boolean;
  }

  /** What is to become of one file; `source: null` restores the image's. */
  export interface FileChange {
    path: string;
    source: string | null;
    /** The text of the image that it was made from, where that is not the image's text of now. */
    image?: string | null;
  }

  /** A GET request that a program has to answer with a status below 400. */
  export interface Check {
    url: string;
    headers?: Record<string, string>;
  }

  export interface PastChange {
    /** Grows by time. */
    number: number;
    path: string;
    at: number;
    note: string | null;
    /** Digests for `text`: of what came into force, null for a restored file, and of what it was made from. */
    source: string | null;
    image: string | null;
  }

  export interface Health {
    /** Layers of the sandbox that this machine lacks, by name; empty is best. */
    sandboxMissing: string[];
    /**
     * How the program fares since something of the image is overridden; `failing`: most requests fail, before not. Then who
     * reads pages is shown, in the place of one that failed, that of the kernel or of the program that started this one.
     */
    fares: { since: number; requests: number; failures: number; failing: boolean } | null;
    /** For a program that repairs another: why that one does not load. */
    stopped: { message: string; stack: string } | null;
    /**
     * For the first program alone: what the town has counted since it started, at `since`. `runs` of all programs by their
     * outcome; `refused` are requests that were turned away with 503 before any program saw them.
     */
    counts: { since: number; refused: number; processes: number; runs: { [outcome in Outcome]?: number } } | null;
  }

  /**
   * Overrides of the image, kept in this instance's own database with their history. Writing and restoring take effect at
   * `reload`. `note` is kept and shown to whoever asks: who, and from what.
   */
  export interface System {
    list(): Promise<SystemFile[]>;
    /**
     * What is in force, and the image's own text where it differs. Bytes where the file is no UTF-8 text, which only the
     * image has. `base`: of an override, the text it was made from, if that is known. `undefined`: no such file.
     */
    read(path: string): Promise<{
      source: string | Uint8Array; from: SystemFile["from"]; image: string | null; base: string | null; note: string | null;
    } | undefined>;
    write(path: string, source: string, note?: string): Promise<void>;
    /** One file, or all of them. */
    restore(path?: string, note?: string): Promise<void>;
    /**
     * Writes and restores several files, all or none. With `reload` the program is loaded with them, and asked each of
     * `checks`, before anything is written and before it serves: rejects, changing nothing, when it fails in that.
     */
    change(changes: FileChange[], how?: { note?: string; reload?: { checks?: Check[] } }): Promise<void>;
    /** What was changed, the latest first. The kernel remembers the last thousand changes. */
    history(wish?: { path?: string; before?: number; limit?: number }): Promise<PastChange[]>;
    /** A text that history has. */
    text(digest: string): Promise<string | undefined>;
    /** Loads the program anew and, once it has loaded, serves it. Rejects, changing nothing, when it does not load. */
    reload(): Promise<void>;
    health(): Promise<Health>;
  }
}

/** For every program, with authority or without. */
declare module "town:runtime" {
  /** Keeps the process until the promise has settled, within the deadline of the run that it is called in. */
  export function waitUntil(promise: Promise<unknown>): void;
}
