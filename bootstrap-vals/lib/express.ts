/**
 * Express handlers of old, `(req, res) => ...`, as handlers of a `Request`: the part of Express that vals used. What a
 * handler returns does not matter; the answer is what it does to `res`.
 */

type Header = string | number | string[];

/** The request as Express shows it. */
export interface ExpressRequest {
  method: string;
  url: string;
  originalUrl: string;
  baseUrl: string;
  path: string;
  protocol: string;
  secure: boolean;
  hostname: string;
  subdomains: string[];
  fresh: boolean;
  params: Record<string, string>;
  query: Record<string, string | string[]>;
  headers: Record<string, string>;
  cookies: Record<string, string>;
  body: unknown;
  get(name: string): string | undefined;
  header(name: string): string | undefined;
  accepts(...types: (string | string[])[]): string | false;
  acceptsCharsets(...types: (string | string[])[]): string | false;
  acceptsEncodings(...types: (string | string[])[]): string | false;
  acceptsLanguages(...types: (string | string[])[]): string | false;
}

export interface ExpressResponse {
  readonly headersSent: boolean;
  readonly statusCode: number;
  status(code: number): ExpressResponse;
  sendStatus(code: number): ExpressResponse;
  set(name: string | Record<string, Header>, value?: Header): ExpressResponse;
  header(name: string | Record<string, Header>, value?: Header): ExpressResponse;
  setHeader(name: string, value: Header): ExpressResponse;
  get(name: string): string | undefined;
  type(type: string): ExpressResponse;
  json(value: unknown): ExpressResponse;
  jsonp(value: unknown): ExpressResponse;
  send(body?: unknown): ExpressResponse;
  redirect(to: string): ExpressResponse;
  redirect(status: number, to: string): ExpressResponse;
  write(chunk: unknown): boolean;
  end(body?: unknown): ExpressResponse;
}

export type ExpressHandler = (req: ExpressRequest, res: ExpressResponse) => unknown;

const TYPES: Record<string, string> = {
  html: "text/html", json: "application/json", txt: "text/plain", text: "text/plain", xml: "application/xml", css: "text/css",
  js: "text/javascript", svg: "image/svg+xml", png: "image/png", bin: "application/octet-stream",
};
const NO_BODY = new Set([204, 205, 304]);

/** Answers once the handler has ended its response; a handler that returns without doing so gets an empty one. */
export function expressHandler(handler: ExpressHandler): (request: Request) => Promise<Response> {
  return async (request) => {
    const req = await requestOf(request);
    const { res, ended } = responseOf(req);
    const returned = await handler(req, res);
    // As with functions that answer by value, which is what most handlers without `res` meant.
    if (!res.headersSent && returned instanceof Response) return returned;
    if (!res.headersSent && handler.length < 2) res.send(returned);
    return ended;
  };
}

async function requestOf(request: Request): Promise<ExpressRequest> {
  const url = new URL(request.url);
  const headers: Record<string, string> = Object.fromEntries(request.headers);
  const query: Record<string, string | string[]> = {};
  for (const key of new Set(url.searchParams.keys())) {
    const values = url.searchParams.getAll(key);
    query[key] = values.length === 1 ? (values[0] as string) : values;
  }
  const get = (name: string) => request.headers.get(name) ?? undefined;
  const protocol = url.protocol.slice(0, -1);
  return {
    method: request.method, url: url.pathname + url.search, originalUrl: url.pathname + url.search, baseUrl: "", path: url.pathname,
    protocol, secure: protocol === "https", hostname: url.hostname, subdomains: url.hostname.split(".").slice(0, -2).reverse(),
    fresh: false, params: {}, query, headers, cookies: cookiesOf(headers.cookie ?? ""), body: await bodyOf(request), get, header: get,
    accepts: accepting(headers.accept), acceptsCharsets: accepting(headers["accept-charset"]),
    acceptsEncodings: accepting(headers["accept-encoding"]), acceptsLanguages: accepting(headers["accept-language"]),
  };
}

async function bodyOf(request: Request): Promise<unknown> {
  const text = await request.text();
  const type = request.headers.get("content-type") ?? "";
  if (type.startsWith("application/x-www-form-urlencoded")) return Object.fromEntries(new URLSearchParams(text));
  if (text === "") return {};
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function cookiesOf(header: string): Record<string, string> {
  const cookies: Record<string, string> = {};
  for (const part of header.split(";")) {
    const equals = part.indexOf("=");
    if (equals > 0) cookies[part.slice(0, equals).trim()] = part.slice(equals + 1).trim();
  }
  return cookies;
}

function accepting(header: string | undefined) {
  return (...wanted: (string | string[])[]): string | false => {
    const types = wanted.flat();
    if (header === undefined || header.includes("*/*")) return types[0] ?? false;
    const taken = header.split(",").map((part) => part.split(";")[0]!.trim());
    return types.find((type) => taken.some((one) => one === type || one === TYPES[type] || one === "*" || one.endsWith(`/${type}`))) ?? false;
  };
}

function responseOf(req: ExpressRequest): { res: ExpressResponse; ended: Promise<Response> } {
  const headers = new Headers();
  const chunks: string[] = [];
  let code = 200;
  let sent = false;
  let settle!: (response: Response) => void;
  const ended = new Promise<Response>((resolve) => settle = resolve);
  const finish = (body: BodyInit | null) => {
    if (sent) throw new Error("Cannot set headers after they are sent to the client");
    sent = true;
    settle(new Response(NO_BODY.has(code) ? null : body, { status: code, headers }));
    return res;
  };
  const withType = (type: string) => {
    if (!headers.has("content-type")) headers.set("content-type", type);
  };
  const set = (name: string | Record<string, Header>, value?: Header): ExpressResponse => {
    const fields: [string, Header | undefined][] = typeof name === "string" ? [[name, value]] : Object.entries(name);
    for (const [key, field] of fields) {
      headers.delete(key);
      for (const one of [field].flat()) headers.append(key, String(one));
    }
    return res;
  };
  const res: ExpressResponse = {
    get headersSent() { return sent; },
    get statusCode() { return code; },
    status(status) {
      code = status;
      return res;
    },
    sendStatus(status) {
      code = status;
      return res.send(String(status));
    },
    set, header: set, setHeader: set,
    get: (name) => headers.get(name) ?? undefined,
    type: (type) => set("content-type", type.includes("/") ? type : TYPES[type.replace(/^\./, "")] ?? type),
    json(value) {
      withType("application/json; charset=utf-8");
      return finish(JSON.stringify(value) ?? "null");
    },
    jsonp(value) {
      const callback = req.query.callback;
      if (typeof callback !== "string" || !/^[\w$.[\]]+$/.test(callback)) return res.json(value);
      withType("text/javascript; charset=utf-8");
      return finish(`/**/ typeof ${callback} === 'function' && ${callback}(${JSON.stringify(value) ?? "null"});`);
    },
    send(body) {
      if (body instanceof Uint8Array || body instanceof ArrayBuffer || body instanceof Blob) {
        withType("application/octet-stream");
        return finish(body as BodyInit);
      }
      if (typeof body === "string") {
        withType("text/html; charset=utf-8");
        return finish(body);
      }
      return body === undefined || body === null ? finish("") : res.json(body);
    },
    redirect(status: number | string, to?: string) {
      code = typeof status === "number" ? status : 302;
      headers.set("location", typeof status === "number" ? to ?? "/" : status);
      return finish("");
    },
    write(chunk) {
      chunks.push(String(chunk));
      return true;
    },
    end(body) {
      if (body !== undefined) chunks.push(String(body));
      return finish(chunks.join(""));
    },
  };
  return { res, ended };
}
