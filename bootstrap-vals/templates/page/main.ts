/** Serves a page. */
import page from "./index.html" with { type: "text" };

export default function (): Response {
  return new Response(page, { headers: { "content-type": "text/html; charset=utf-8" } });
}
