/**
 * `std/catch`: a page of a val loads this as a script, `<script src="{town}/v/std/catch"></script>`, and what fails in
 * the visitor's browser is in the val's log. Runs in browsers, before anything else of the page, and depends on nothing.
 */

(() => {
  // More than anyone reads; a page that fails in a loop must not ask the town again and again.
  const TOLD_MAX = 20;
  const source = (document.currentScript as HTMLScriptElement | null)?.src ?? "";
  const end = source.lastIndexOf("/v/std/");
  if (end < 0) return;
  const told = new Set<string>();
  const tell = (failure: unknown, place: string): void => {
    const { message, stack } = failure instanceof Error ? failure : { message: String(failure), stack: "" };
    const text = JSON.stringify({ page: location.href, message, stack: stack || place });
    if (told.size >= TOLD_MAX || told.has(text)) return;
    told.add(text);
    navigator.sendBeacon(`${source.slice(0, end)}/api/town/browser-errors`, text);
  };
  addEventListener("error", (event) => tell(event.error ?? event.message, `${event.filename}:${event.lineno}:${event.colno}`));
  addEventListener("unhandledrejection", (event) => tell(event.reason, ""));
})();
