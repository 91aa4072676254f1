/** Running what is no HTTP: its outcome is told, and its lines are in the logs. */

import { ask, make, say } from "./elements.ts";
import { post, type Session } from "./session.ts";

export interface Runner {
  run(path: string, type: string): Promise<void>;
}

export function drawRunner(session: Session, place: HTMLElement): Runner {
  const outcome = make("div", { class: "ed-outcome", hidden: true, role: "status" });
  place.append(outcome);
  return {
    async run(path, type) {
      const text = type === "email" ? await ask("Send a test mail", "Text of the mail", "Hello", "Send") : "";
      if (text === undefined) return;
      const response = await post(`/-/editor/${session.val.id}/run`, { path, text });
      const body = await response.json();
      if (!response.ok) return say(String(body.message), "bad");
      const { outcome: how, durationMs, error, value } = body as { outcome: string; durationMs: number; error: string | null; value?: string };
      outcome.hidden = false;
      outcome.replaceChildren(
        make("p", {}, make("span", { class: `badge ${how === "ok" ? "http" : "failed"}` }, how), ` ${path}, ${durationMs} ms`),
        error === null ? "" : make("pre", { tabindex: 0 }, error), value === undefined ? "" : make("pre", { tabindex: 0 }, value));
      say(how === "ok" ? `${path} ran` : `${path} failed: ${how}`, how === "ok" ? "" : "bad");
    },
  };
}
