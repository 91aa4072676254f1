/** The page of a val's logs: what runs while it is looked at comes on top of what it came with. */

import { make } from "./elements.ts";
import { announcer, showLive } from "./logs.ts";
import { base } from "./page.ts";
import { outcomeOf, runList, titleOf } from "./runs.ts";
import { followVal } from "./stream.ts";

const list = document.querySelector<HTMLElement>(".runs[data-live]");
const live = document.querySelector<HTMLElement>(".ed-live");
const spoken = document.querySelector<HTMLElement>("#news");

if (list !== null && live !== null && spoken !== null) {
  const { live: id = "", username = "", name = "" } = list.dataset;
  const announce = announcer(spoken);
  let isNews = false;
  const runs = runList(list, {
    val: { id, username, name }, begun: () => document.querySelector(".empty")?.remove(),
    time: (iso) => iso.slice(0, 19).replace("T", " "),
    link: (path, line, text) => make("a", { href: `${base}/@${username}/${name}/code/${path}#L${line}` }, text),
  });
  // Before that, what the page came with is the newest that there is.
  const came = new Set([...list.querySelectorAll<HTMLElement>("[data-run]")].map((box) => box.dataset.run as string));
  live.hidden = false;
  void followVal(id, base, {
    run(run) {
      if (!isNews && (came.has(run.id) || came.size > 0 && run.startedAt < (list.dataset.newest ?? ""))) return;
      runs.run(run);
      if (isNews) announce(`${titleOf(run)}: ${outcomeOf(run)}`);
    },
    line(line) {
      if (!isNews && (came.has(line.run) || came.size > 0 && line.at < (list.dataset.newest ?? ""))) return;
      runs.line(line);
      if (isNews) announce(line.text);
    },
    begun: () => (isNews = true),
    live: (is) => showLive(live, is),
  });
}
