/** The stylesheet of all pages. */

import type { Route } from "../lib/router.ts";

const STYLE = `
:root { --ink: #1b1b1f; --paper: #fdfdfb; --soft: #f0efe9; --line: #8a8880; --link: #1a4fa3; --bad: #a1260d;
  font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
@media (prefers-color-scheme: dark) {
  :root { --ink: #ecebe6; --paper: #17171a; --soft: #232328; --line: #85848c; --link: #8fb8ff; --bad: #ff9a85; } }
* { box-sizing: border-box; }
body { margin: 0; }
a { color: var(--link); }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.skip { position: absolute; left: -100vw; }
.skip:focus { left: 1rem; top: 1rem; background: var(--paper); }
header { border-bottom: 1px solid var(--line); }
nav { display: flex; flex-wrap: wrap; gap: .25rem 1rem; align-items: center; max-width: 60rem; margin: 0 auto; padding: .75rem 1rem; }
nav .home { font-weight: 700; text-decoration: none; color: inherit; }
nav .account { margin-left: auto; display: flex; gap: 1rem; align-items: center; }
main { max-width: 60rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.6rem; line-height: 1.2; overflow-wrap: anywhere; }
ul.list { list-style: none; padding: 0; }
ul.list li { padding: .4rem 0; border-bottom: 1px solid var(--soft); }
.tabs { max-width: none; margin: 0 0 1rem; padding: 0; }
.tabs [aria-current] { font-weight: 700; color: inherit; text-decoration: none; }
.note { color: inherit; opacity: .8; font-size: .9rem; }
.bad { color: var(--bad); }
pre, textarea { font: 14px/1.45 ui-monospace, monospace; tab-size: 2; }
pre { background: var(--soft); padding: .75rem; overflow-x: auto; }
textarea { width: 100%; min-height: 24rem; }
label { display: block; margin: .75rem 0 .25rem; font-weight: 600; }
input, select, textarea, button { font-size: 1rem; color: inherit; background: var(--paper); border: 1px solid var(--line);
  border-radius: .25rem; padding: .4rem .6rem; }
button { cursor: pointer; background: var(--soft); }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .3rem .5rem; border-bottom: 1px solid var(--soft); overflow-wrap: anywhere; }
`;

export const styleRoutes: Route[] = [
  ["GET", "/style.css", () =>
    new Response(STYLE, { headers: { "content-type": "text/css; charset=utf-8", "cache-control": "no-cache" } })],
];
