/** The import statements of a source, read off what `mask` makes of it: which names they give to what, and where. */

export interface Binding {
  /** What the module calls it: `default`, `*` for all of it, "" where that is no name. */
  imported: string;
  local: string;
  isType: boolean;
}

export interface Statement {
  start: number;
  end: number;
  specifier: string;
  /** `from "..."` with what is behind it, up to the statement's end. */
  from: string;
  /** Its line hands authority over. */
  hasAuthority: boolean;
  bindings: Binding[];
}

// A statement with more between its names and its end is none that a person wrote.
const FROM_CHARACTERS_MAX = 2_000;
const TOKEN = /\s*([\w$]+|\S)/y;
const NAME = /^[\w$]+$/;
const FROM = /^\s*(["'])([^"'\n]*)\1(?:\s*(?:with|assert)\s*\{([^}]*)\})?[^\S\n]*;?/;

/** The statements that import names; those that only run a module have none. */
export function statementsIn(source: string, code: string): Statement[] {
  const statements: Statement[] = [];
  for (const { index } of code.matchAll(/(?<![\w$.])import(?=[\s{*])/g)) {
    const clause = clauseAt(code, index + "import".length);
    if (clause === undefined) continue;
    const from = FROM.exec(source.slice(clause.end, clause.end + FROM_CHARACTERS_MAX));
    if (from === null) continue;
    statements.push({
      start: index, end: clause.end + from[0].length, specifier: from[2] as string, from: `from${from[0]}`,
      hasAuthority: /authority/.test(from[3] ?? ""), bindings: clause.bindings,
    });
  }
  return statements;
}

/** A statement with some of its names, and nothing where none is left. */
export function written({ bindings, from }: Statement, kept: Binding[]): string {
  if (kept.length === 0) return "";
  const isType = bindings.every((binding) => binding.isType);
  const whole = kept.filter(({ imported, local }) => imported === "*" || (imported === "default" && local !== "default"));
  // Beside all of a module there may be its default and nothing else; one name for the default is enough before braces.
  const first = whole.find(({ imported }) => imported === "default");
  const all = whole.find(({ imported }) => imported === "*");
  const rest = kept.filter((binding) => binding !== first && binding !== all);
  const named = rest.map(({ imported, local, isType: own }) => `${own && !isType ? "type " : ""}${imported === local ? local : `${imported} as ${local}`}`);
  const parts = [first?.local, all === undefined ? undefined : `* as ${all.local}`, named.length === 0 ? undefined : `{ ${named.join(", ")} }`];
  return `import ${isType ? "type " : ""}${parts.filter((part) => part !== undefined).join(", ")} ${from}`;
}

/** The names between `import` and `from`, and where the latter ends. */
function clauseAt(code: string, at: number): { bindings: Binding[]; end: number } | undefined {
  let end = at;
  const peek = () => {
    TOKEN.lastIndex = end;
    return TOKEN.exec(code)?.[1];
  };
  const take = () => {
    const token = peek();
    end = TOKEN.lastIndex;
    return token;
  };
  const isName = (token: string | undefined) => token !== undefined && NAME.test(token);
  const bindings: Binding[] = [];
  let token = take();
  let isType = false;
  if (token === "type" && peek() !== "from" && peek() !== ",") {
    isType = true;
    token = take();
  }
  if (isName(token)) {
    bindings.push({ imported: "default", local: token as string, isType });
    token = take();
    if (token === ",") token = take();
  }
  if (token === "*") {
    if (take() !== "as") return undefined;
    bindings.push({ imported: "*", local: take() ?? "", isType });
    token = take();
  } else if (token === "{") {
    for (token = take(); token !== "}"; token = take()) {
      if (token === ",") continue;
      if (!isName(token)) return undefined;
      const words = [token as string];
      while (isName(peek())) words.push(take() as string);
      bindings.push(bindingOf(words, isType));
    }
    token = take();
  }
  return token === "from" && bindings.length > 0 ? { bindings, end } : undefined;
}

/** `a`, `a as b`, `type a`, `type a as b`; `as b` where the name was a text. */
function bindingOf(words: string[], isType: boolean): Binding {
  const own = words[0] === "type" && (words.length === 2 || words.length === 4);
  const [imported = "", as, local] = own ? words.slice(1) : words;
  if (imported === "as" && as !== undefined && local === undefined) return { imported: "", local: as, isType };
  return { imported, local: local ?? imported, isType: isType || own };
}
