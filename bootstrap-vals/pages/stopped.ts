/**
 * What is shown where a town inside this one should have answered and failed: where it stopped, and its owner's way back.
 * As the kernel shows it for the first town.
 */

import { html } from "../lib/html.ts";
import type { HttpError } from "../lib/http.ts";
import { bareDocument } from "./layout.ts";

/** `safe`: where the image's own program answers for that town. No source is shown, to whoever asks. */
export function stoppedPage(request: Request, error: HttpError, cause: unknown, safe: string): Response {
  const { message = "", stack = "" } = cause as { message?: string; stack?: string };
  const place = /town:system\/([\w./-]+):(\d+)/.exec(`${message}\n${stack}`);
  const title = error.code === "load" ? "The town's program does not load" : "The town's program failed";
  return bareDocument(request, error, title, html`<p>The program that serves this town ${error.code === "load" ? "could not be started" : "failed at this request"}.</p>
${place === null ? null : html`<p>It stopped in <code>${place[1]}</code>, line ${place[2]}.</p>`}
<h2>Going back</h2>
<p>If it has failed since it was changed: the files this town was made with are still there. Its owner can open
<a href="${safe}@town/changes">${safe}</a>, where the town runs without the changes, sign in, and restore what was changed.</p>
<p>Whoever made the val that this town is finds the reason in the val's logs.</p>`);
}
