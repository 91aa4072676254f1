/**
 * What `@user` is in vals of before October 2023, while they run: each user an object with the vals that the code refers
 * to. Read as they are, assigned to as JSON when the run ends.
 *
 * With authority this is the code's owner's own program. Without, the code is somebody's library: it sees what is public,
 * and all that it can change is vals of whoever runs it, by values.
 */

import { env, loader } from "town:kernel";
import { run } from "../std/run/main.ts";

export interface Effects {
  /** Vals of the program's owner, by name, as JSON. */
  writes: Record<string, string>;
  /** What the program has found those of its owner's vals to be that are data, by name, where it was not told. */
  values: Record<string, string>;
  emails: Record<string, unknown>[];
}

interface Setting {
  owner: string;
  runner: string;
}

type Vals = Record<string, unknown>;

export interface Space {
  of(user: string): Vals;
  email(payload: unknown, subject?: string): Promise<void>;
  api(val: unknown, ...args: unknown[]): Promise<unknown>;
  /** What its val and those that it refers to have become since; and from now on nothing has. */
  finish(): Effects;
  /** The newest values of data, as JSON by `user.name`. */
  refresh(state: Record<string, string>): void;
}

/** What the platform tells a run of data vals, as JSON by `user.name`: those of the program's owner, and those of others. */
export interface State {
  own: Record<string, string>;
  others: Record<string, string>;
}

// With authority the spaces of a program know each other by this module; those of libraries have another one, and reach
// the owner's only by the global object, where anybody may leave values for the owner's vals as the language allows.
const SPACES = Symbol.for("town.at");
const spaces: Space[] = [];
// The program's own, that is: the one whose `loader` is there in every val.
const hasAuthority = loader !== undefined;

/** `known` are the references that are data, as JSON by `user.name`: what they were when the program was made. */
export async function open(setting: Setting, references: [string, () => Promise<Vals>][], known: Record<string, string> = {}): Promise<Space> {
  const { owner, runner } = setting;
  const users = new Map<string, Vals>();
  const before = new Map<string, string | undefined>();
  const emails: Record<string, unknown>[] = [];
  const told = new Set<string>();
  const isOwner = (user: string) => user === "me" || user === owner;
  const of = (user: string): Vals => {
    const known = users.get(isOwner(user) ? owner : user);
    if (known !== undefined) return known;
    const made: Vals = {};
    users.set(isOwner(user) ? owner : user, made);
    Object.defineProperty(made, "secrets", { value: secretsOf(isOwner(user)), enumerable: false });
    return made;
  };
  for (const [reference, load] of references) {
    const [user, name] = reference.split(".") as [string, string];
    of(user);
    if (known[`${user === "me" ? owner : user}.${name}`] !== undefined) {
      of(user)[name] = undefined;
      continue;
    }
    await load().then(
      (module) => {
        of(user)[name] = "default" in module ? module.default : Object.values(module)[0];
      },
      (error) => {
        // What fails here may have a value all the same: that of its last run.
        if (!/^Module not found|no val/.test(String((error as Error)?.message))) refuse(of(user), name, () => error);
        // One's own that is not there is undefined. Whether another's is not there, or private, is not told.
        else if (hasAuthority && !isOwner(user)) refuse(of(user), name, () => new Error(`There is no val @${user}.${name} that this val may see`));
      },
    );
  }
  const mayWrite = (user: string) => (hasAuthority ? user === owner : user === runner && user !== owner);
  const keep = () => {
    for (const [user, vals] of users) for (const name of Object.keys(vals)) before.set(`${user}.${name}`, jsonOf(peek(vals, name)));
  };
  keep();
  const space: Space = {
    of,
    api: (val, ...args) => run(String(val), ...args),
    async email(payload, subject) {
      const isMessage = typeof payload === "object" && payload !== null && ["html", "text", "subject"].some((key) => key in payload);
      const message = isMessage ? (payload as Record<string, unknown>) : { text: typeof payload === "string" ? payload : JSON.stringify(payload, null, 2) };
      emails.push(JSON.parse(JSON.stringify(subject === undefined ? message : { ...message, subject })));
    },
    finish() {
      const writes: Record<string, string> = {};
      const values: Record<string, string> = {};
      for (const [user, vals] of users) {
        for (const name of Object.keys(vals)) {
          const now = jsonOf(peek(vals, name));
          if (now === undefined) continue;
          if (now === before.get(`${user}.${name}`)) {
            if (user === owner && !told.has(name)) values[name] = now;
            continue;
          }
          if (mayWrite(user)) writes[name] = now;
          else if (hasAuthority) throw new Error(`@${user}.${name} is not yours to change`);
        }
      }
      keep();
      return { writes, values, emails: emails.splice(0) };
    },
    refresh(state) {
      for (const key in state) {
        const parting = key.indexOf(".");
        const [user, name] = [key.slice(0, parting), key.slice(parting + 1)];
        const vals = users.get(user);
        // Of others, what the code refers to.
        if (vals === undefined || (user !== owner && !Object.hasOwn(vals, name)) || typeof peek(vals, name) === "function") continue;
        if (user === owner) told.add(name);
        const value = JSON.parse(String(state[key])) as unknown;
        Object.defineProperty(vals, name, { value, enumerable: true, configurable: true, writable: true });
        before.set(key, String(state[key]));
      }
    },
  };
  space.refresh(known);
  if (hasAuthority) spaces.push(space);
  else ((globalThis as Record<symbol, unknown>)[SPACES] ??= [] as unknown[] as never, (globalThis as unknown as Record<symbol, Space[]>)[SPACES]!.push(space));
  return space;
}

/** The newest values of data, for the run that begins. Libraries are told of what everybody may see. */
export function begin({ own, others }: State): void {
  for (const space of spaces) space.refresh({ ...own, ...others });
  for (const space of foreignSpaces()) space.refresh({ ...others });
}

/** What the run that ends asks for. What libraries left is taken as text and numbers only. */
export function finish(): Effects {
  const effects: Effects = { writes: {}, values: {}, emails: [] };
  for (const space of [...foreignSpaces(), ...spaces]) {
    const { writes, values, emails } = space.finish();
    // Only the owner's own code says what the owner's data is.
    if (spaces.includes(space)) Object.assign(effects.values, values);
    for (const name in writes) effects.writes[name] = JSON.stringify(JSON.parse(String(writes[name])));
    for (const email of emails) effects.emails.push(JSON.parse(JSON.stringify(email)) as Record<string, unknown>);
  }
  return effects;
}

function foreignSpaces(): Space[] {
  return (globalThis as unknown as Record<symbol, Space[] | undefined>)[SPACES] ?? [];
}

function secretsOf(isOwner: boolean): Vals {
  return new Proxy({}, {
    get: (_, name) => {
      if (!hasAuthority || typeof name !== "string") return undefined;
      if (!isOwner) throw new Error("The secrets of others are not yours to read");
      return env[name];
    },
  });
}

function refuse(vals: Vals, name: string, why: () => unknown): void {
  const thrown = () => {
    throw why();
  };
  Object.defineProperty(vals, name, { get: thrown, set: thrown, enumerable: false, configurable: true });
}

function peek(vals: Vals, name: string): unknown {
  const descriptor = Object.getOwnPropertyDescriptor(vals, name);
  return descriptor?.value;
}

function jsonOf(value: unknown): string | undefined {
  if (typeof value === "function") return undefined;
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}
