/** Towns as archives: this one, and those inside it. */

import { sealSecret } from "../lib/passphrase.ts";
import { secretOf } from "../lib/seal.ts";
import type { Town } from "../lib/town.ts";
import { endpointOfVal } from "../run/endpoint.ts";
import { isolateOf } from "../run/program.ts";
import { storageName } from "./alarms.ts";
import { worded } from "./copying.ts";
import { secretOfInstance } from "./environment.ts";
import type { Val } from "./vals.ts";

/** This town. Without words what is sealed in it opens only where its TOWN_SECRET is. */
export async function exportTown(town: Town, passphrase: string | undefined): Promise<Response> {
  const note = passphrase === undefined ? undefined : await sealSecret(await secretOf(town), passphrase);
  return named(await archive(town.storage.export(note)), "town");
}

/** A town inside this one, whose secret this one knows. */
export async function exportInstance(town: Town, val: Val, passphrase: string | undefined): Promise<Response> {
  const note = passphrase === undefined ? undefined : await sealSecret(await secretOfInstance(town, val.id), passphrase);
  return named(await archive(town.storage.sub(storageName(val.id)).export(note)), val.name);
}

/**
 * Lets a town that came from elsewhere learn where it is now, before anything that no request brings about asks for it.
 * One that does not start says so to its first visitor.
 */
export async function settle(town: Town, val: Val): Promise<void> {
  const endpoint = await endpointOfVal(town, val.id);
  if (endpoint === undefined || endpoint.suspended_at) return;
  const { protocol, host, outsideHost } = town.arrival;
  const headers = { "x-forwarded-host": outsideHost, "x-forwarded-proto": protocol, "x-forwarded-prefix": "" };
  const request = new Request(`${protocol}://${endpoint.label}.${host}/healthz`, { headers });
  await isolateOf(town, endpoint).fetch(request).catch(() => undefined);
}

async function archive(exporting: Promise<Response>): Promise<Response> {
  try {
    return await exporting;
  } catch (error) {
    throw worded(error);
  }
}

function named(response: Response, name: string): Response {
  response.headers.set("content-disposition", `attachment; filename="${name.replace(/[^\w.-]/g, "_")}.tar"`);
  response.headers.set("cache-control", "no-store");
  return response;
}
