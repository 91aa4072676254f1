/** What one may take from the editor to somewhere else: addresses of the val, of lines, of what it answers, of its modules. */

import type { EditorState } from "codemirror";
import { base } from "./page.ts";
import type { Session } from "./session.ts";

export type Shared = [text: string, what: () => string | undefined];

/** `page` is the path of the val's own; `now` is what the editor shows. What there is none of is undefined. */
export function shared(session: Session, page: string, now: () => EditorState): Shared[] {
  const endpoint = () => session.docs.get(session.open)?.endpoint ?? [...session.docs.values()].find((doc) => doc.endpoint !== null)?.endpoint ?? undefined;
  const linkToLines = () => {
    const { doc, selection: { main } } = now();
    const first = doc.lineAt(main.from).number;
    const last = doc.lineAt(main.to).number;
    const hash = `#L${first}${last > first ? `-${last}` : ""}`;
    history.replaceState(null, "", hash);
    return location.origin + location.pathname + location.search + hash;
  };
  const moduleAddress = () => {
    const { username, name, version, branch } = session.val;
    return `${location.origin}${base}/v/${username}/${name}@${version}-${branch}/${session.open}`;
  };
  return [
    ["link to this val", () => location.origin + page], ["link to these lines", linkToLines], ["address of the val", endpoint],
    ["curl command", () => (endpoint() === undefined ? undefined : `curl ${endpoint()}`)], ["address of this module", moduleAddress],
  ];
}
