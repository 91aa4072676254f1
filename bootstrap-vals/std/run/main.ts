/** `std/run`: calls a function val of this town by name, `run("alice.add", 1, 2)`, with its author's rights. */

import { callApi } from "../../lib/api.ts";

export async function run(val: string, ...args: unknown[]): Promise<unknown> {
  const name = val.replace(/^@/, "").replace("/", ".");
  const headers = { "content-type": "application/json" };
  const response = await callApi(`/v1/run/${encodeURIComponent(name)}`, { method: "POST", headers, body: JSON.stringify({ args }) });
  return response.json();
}
export default run;
