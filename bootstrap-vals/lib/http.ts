/** Answers and errors of routes: JSON, redirects, and the one error that carries a status. */

/** What a route throws to answer with a status. The message is for the visitor's eyes. */
export class HttpError extends Error {
  readonly status: number;
  readonly code: string;
  readonly headers: Record<string, string>;

  constructor(status: number, code: string, message: string, headers: Record<string, string> = {}) {
    super(message);
    this.name = "HttpError";
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

export function notFound(what: string): HttpError {
  return new HttpError(404, "not_found", `${what} not found`);
}

export function badRequest(message: string): HttpError {
  return new HttpError(400, "bad_request", message);
}

export function json(value: unknown, status = 200, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(value), {
    status,
    headers: { "content-type": "application/json", "cache-control": "no-store", ...headers },
  });
}

export function noContent(): Response {
  return new Response(null, { status: 204 });
}

export function redirect(location: string, headers: Record<string, string> = {}): Response {
  return new Response(null, { status: 303, headers: { location, ...headers } });
}

export function errorJson(error: HttpError): Response {
  return json({ message: error.message, code: error.code }, error.status, error.headers);
}

/** The body of an API request: a JSON object, an empty one when there is none. */
export async function readJson(request: Request): Promise<Record<string, unknown>> {
  const text = await request.text();
  if (text === "") return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw badRequest("The body is not JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw badRequest("The body must be a JSON object");
  }
  return value as Record<string, unknown>;
}

/** The fields of a form a browser posted. */
export async function readForm(request: Request): Promise<URLSearchParams> {
  return new URLSearchParams(await request.text());
}

/** A string of a body, or the 400 that names it. */
export function stringOf(body: Record<string, unknown>, key: string): string {
  const value = body[key];
  if (typeof value !== "string") throw badRequest(`"${key}" must be a string`);
  return value;
}

export function optionalString(body: Record<string, unknown>, key: string): string | undefined {
  return body[key] === undefined || body[key] === null ? undefined : stringOf(body, key);
}

export function optionalInteger(body: Record<string, unknown>, key: string): number | undefined {
  const value = body[key];
  if (value === undefined || value === null) return undefined;
  if (!Number.isInteger(value)) throw badRequest(`"${key}" must be a whole number`);
  return value as number;
}

/** As `optionalString`, where null says that there shall be none. */
export function nullableString(body: Record<string, unknown>, key: string): string | null | undefined {
  return body[key] === null ? null : optionalString(body, key);
}

/** The version an If-Match header names; undefined without one. */
export function expectedVersion(request: Request): number | undefined {
  const header = request.headers.get("if-match");
  if (header === null || header.trim() === "*") return undefined;
  const version = /^\s*(?:W\/)?"?(\d+)"?\s*$/.exec(header)?.[1];
  if (version === undefined) throw badRequest('If-Match must be a version in quotes, as "3"');
  return Number(version);
}

export function staleVersion(actual: number, expected: number): HttpError {
  return new HttpError(412, "stale", `The val is at version ${actual}, not ${expected}`, { etag: `"${actual}"` });
}
