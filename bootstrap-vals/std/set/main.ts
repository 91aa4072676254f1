/**
 * `std/set`: writes a value as the code of a val of one's own, `export let name = ...`. Kept for vals of old; a token
 * with the scope `val:write` as the environment variable VAL_TOWN_API_KEY is needed, which no val has by itself.
 */

import { env } from "town:kernel";
import { callApi, PASS } from "../../lib/api.ts";

export async function set(name: string, value: unknown): Promise<void> {
  const key = env.VAL_TOWN_API_KEY ?? env[PASS];
  const headers = { "content-type": "application/json", authorization: `Bearer ${String(key)}` };
  const json = (body: unknown) => ({ headers, body: JSON.stringify(body) });
  const content = `export let ${name} = ${JSON.stringify(value)};\n`;
  const me = await (await callApi("/v1/me", { headers })).json() as { username: string };
  const found = await callApi(`/v2/alias/vals/${me.username}/${name}`, { headers }).catch(() => undefined);
  if (found === undefined) {
    const files = [{ path: "main.ts", type: "script", content }];
    await callApi("/town/vals", { method: "POST", ...json({ name, privacy: "private", files }) });
    return;
  }
  const { id } = await found.json() as { id: string };
  await callApi(`/v2/vals/${id}/files?path=main.ts`, { method: "PUT", ...json({ content }) });
}
export default set;
