/**
 * Where an instance is: its name among its own vals, and the address by which this visitor reached it. Works by string
 * operations alone, because every request of every val passes here.
 *
 * An instance that was told its TOWN_BASE_URL is at the edge and believes no header. One that was not is a val of
 * another instance, which sets the three x-forwarded headers on every request and overwrites the visitor's.
 */

export interface Arrival {
  /** Host of this instance in its own eyes, however it was reached: `localhost:8787`, `a--town.localhost:8787`. */
  host: string;
  /** `http` or `https`, as the visitor sees it. */
  protocol: string;
  /** The host the visitor asked for. */
  outsideHost: string;
  /** Path below which this instance was reached: ``, `/run/a/town`. */
  prefix: string;
  /** The public address of this instance, without a slash at the end. */
  base: string;
  /** The label of the val that was asked for by host; empty for the instance itself. */
  label: string;
  /** Below another instance, which says by `MOUNT_HEADERS` where. */
  nested: boolean;
  /** Vals have hosts of their own here. */
  byHost: boolean;
  /** Path and query within the instance. */
  path: string;
  search: string;
}

/**
 * Where the image's own program answers for an instance, whatever overrides the image there: for the root by the kernel's
 * doing, for one inside another by that one's.
 */
export const SAFE_PREFIX = "/@town/safe";

/** By which an instance tells one below it where that is. */
export const MOUNT_HEADERS = ["x-forwarded-host", "x-forwarded-proto", "x-forwarded-prefix"] as const;

/** Reads where a request came in. */
export function arrive(url: string, headers: Headers, baseUrl: unknown): Arrival {
  const hostStart = url.indexOf("://") + 3;
  const pathStart = url.indexOf("/", hostStart);
  const queryStart = url.indexOf("?", pathStart);
  const asked = url.slice(hostStart, pathStart).toLowerCase();
  const path = queryStart < 0 ? url.slice(pathStart) : url.slice(pathStart, queryStart);
  const search = queryStart < 0 ? "" : url.slice(queryStart);

  let host = asked;
  let outsideHost = asked;
  let prefix = "";
  let protocol = url.slice(0, hostStart - 3);
  let byHost = true;
  const nested = typeof baseUrl !== "string";
  if (!nested) {
    const base = edgeOf(baseUrl);
    protocol = base.protocol;
    host = base.host;
    byHost = base.byHost && !isAddress(asked);
    if (byHost && asked !== host && !asked.endsWith(`.${host}`)) outsideHost = host;
  } else {
    const [hostHeader, protocolHeader, prefixHeader] = MOUNT_HEADERS;
    outsideHost = headers.get(hostHeader) ?? asked;
    protocol = headers.get(protocolHeader) ?? protocol;
    prefix = headers.get(prefixHeader) ?? "";
    byHost = prefix === "";
  }

  const below = prefix === "" && outsideHost.endsWith(`.${host}`) ? outsideHost.slice(0, -host.length - 1) : "";
  const label = below.slice(below.lastIndexOf(".") + 1);
  const base = byHost ? `${protocol}://${host}` : `${protocol}://${outsideHost}${prefix}`;
  return { host, protocol, outsideHost, prefix, base, label, nested, byHost, path, search };
}

/** Whether the image's own program was asked, beside the one that serves. */
export function isSafe(arrival: Arrival): boolean {
  return arrival.prefix.endsWith(SAFE_PREFIX);
}

/** The path below which this instance is reached, whichever of its two programs was asked. */
export function sitePrefix(arrival: Arrival): string {
  return isSafe(arrival) ? arrival.prefix.slice(0, -SAFE_PREFIX.length) : arrival.prefix;
}

/** What is below the path of the image's own program; undefined where that was not asked. */
export function belowSafe(path: string): string | undefined {
  if (!path.startsWith(SAFE_PREFIX)) return undefined;
  const below = path.slice(SAFE_PREFIX.length);
  if (below === "") return "/";
  return below[0] === "/" ? below : undefined;
}

/** The origin by which modules and vals of this instance are named inside it, the same however it was reached. */
export function ownOrigin(arrival: Arrival): string {
  return `${arrival.protocol}://${arrival.host}`;
}

/** The origin the visitor's browser shows for this instance's pages. */
export function pageOrigin(arrival: Arrival): string {
  return `${arrival.protocol}://${arrival.outsideHost}`;
}

/** A link to a path of this instance's pages that works wherever the instance is mounted. */
export function href(arrival: Arrival, path: string): string {
  return arrival.prefix + path;
}

interface Edge {
  protocol: string;
  host: string;
  byHost: boolean;
}

// The same text for as long as the town runs, so it is taken apart once.
let edge: (Edge & { baseUrl: string }) | undefined;

function edgeOf(baseUrl: string): Edge {
  if (edge?.baseUrl === baseUrl) return edge;
  const { protocol, host } = splitOrigin(baseUrl);
  // A name below an IP address is no name, so vals of such a base are named below localhost, and linked by path.
  const address = isAddress(host);
  edge = { baseUrl, protocol, host: address ? `localhost${portOf(host)}` : host, byHost: !address };
  return edge;
}

function splitOrigin(url: string): { protocol: string; host: string } {
  const hostStart = url.indexOf("://") + 3;
  const slash = url.indexOf("/", hostStart);
  return { protocol: url.slice(0, hostStart - 3), host: slash < 0 ? url.slice(hostStart) : url.slice(hostStart, slash) };
}

/** An IPv6 address begins with a bracket; a name whose last part begins with a digit is an IPv4 address. */
function isAddress(host: string): boolean {
  const code = host.charCodeAt(host.lastIndexOf(".") + 1);
  return (code >= 48 && code <= 57) || host.startsWith("[");
}

function portOf(host: string): string {
  const colon = host.lastIndexOf(":");
  return colon > host.lastIndexOf("]") ? host.slice(colon) : "";
}
