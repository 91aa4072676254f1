/** What the town said of a file when it saved it, underlined for as long as the lines that it spoke of are there. */

import type { Diagnostic, EditorState } from "codemirror";
import type { Session } from "./session.ts";

export interface Acts {
  /** Makes calls of other people's vals calls as APIs. */
  upgrade(): void;
}

export function savedFaults(session: Session, path: string, state: EditorState, acts: Acts): Diagnostic[] {
  const saved = session.docs.get(path)?.saved?.text.split("\n") ?? [];
  const found: Diagnostic[] = [];
  for (const { path: own, line, column, message, suggestion, upgradable } of session.val.diagnostics) {
    const number = own === path ? lineNow(state, line, saved[line - 1] ?? "") : undefined;
    if (number === undefined) continue;
    const at = state.doc.line(number);
    const from = Math.min(at.from + Math.max(0, column - 1), at.to);
    const to = from + (/^[\w$@.]+/.exec(state.sliceDoc(from, at.to))?.[0].length ?? 0);
    found.push({
      from, to: to > from ? to : at.to, severity: upgradable === undefined ? "error" : "warning",
      message: suggestion === undefined ? message : `${message}. ${suggestion}`,
      ...(upgradable && session.val.mine && { actions: [{ name: "Call as an API", apply: acts.upgrade }] }),
    });
  }
  return found;
}

/** The line that was one of the saved text: where it was, or else the first that reads the same. */
function lineNow(state: EditorState, line: number, text: string): number | undefined {
  const { doc } = state;
  if (line <= doc.lines && doc.line(line).text === text) return line;
  if (text.trim() === "") return undefined;
  for (let number = 1; number <= doc.lines; number++) if (doc.line(number).text === text) return number;
  return undefined;
}
