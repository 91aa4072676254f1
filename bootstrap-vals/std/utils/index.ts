/** `std/utils`: a val's own files, addresses and metadata, by the address of one of its modules. */

import { apiUrl, callApi, ENTRYPOINT, PASS, setting } from "../../lib/api.ts";

export interface ParsedVal {
  handle: string;
  owner: string;
  username: string;
  name: string;
  version: number;
  branch: string;
  path: string;
  links: { self: { val: string; project: string }; module: string };
}

interface FileInfo {
  id: string;
  path: string;
  type: string;
  links: { endpoint?: string; email?: string; module: string };
}

const MODULE = /^(.*)\/v\/([^/]+)\/([^/@]+)@(\d+)-([^/]+)\/([^?#]*)/;
const PAGE_LENGTH = 100;
const CONTENT_TYPES: Record<string, string> = {
  html: "text/html", css: "text/css", js: "text/javascript", mjs: "text/javascript", ts: "text/javascript",
  tsx: "text/javascript", jsx: "text/javascript", json: "application/json", svg: "image/svg+xml", xml: "application/xml",
  txt: "text/plain", md: "text/markdown", csv: "text/csv", webmanifest: "application/manifest+json", ico: "image/x-icon",
  png: "image/png", jpg: "image/jpeg", jpeg: "image/jpeg", gif: "image/gif", webp: "image/webp", avif: "image/avif",
  woff: "font/woff", woff2: "font/woff2", wasm: "application/wasm", pdf: "application/pdf", mp3: "audio/mpeg", mp4: "video/mp4",
};

/** Where the running val begins: what `metaUrl` is when it is not given. */
function entrypoint(): string {
  return setting(ENTRYPOINT);
}

/** The parts of the address of a val's module. */
export function parseVal(metaUrl: string = entrypoint()): ParsedVal {
  const parts = MODULE.exec(metaUrl);
  if (parts === null) throw new TypeError(`${metaUrl} is not the address of a val's module`);
  const [, origin, username, name, version, branch, path] = parts.map((part) => decodeURIComponent(part)) as [
    string, string, string, string, string, string, string,
  ];
  const page = `${origin}/@${username}/${name}`;
  return {
    handle: username, owner: username, username, name, version: Number(version), branch, path,
    links: { self: { val: page, project: page }, module: `${origin}/v/${username}/${name}@${version}-${branch}/` },
  };
}
export { parseVal as parseProject };

/** Whether that module is the one that runs. */
export function isMain(metaUrl: string): boolean {
  return metaUrl === entrypoint();
}

/** The text of a file of the val, at the version that runs. */
export async function readFile(path: string, metaUrl: string = entrypoint()): Promise<string> {
  return (await fetchFile(path, metaUrl, "application/typescript, text/plain")).text();
}

/** The JavaScript of a module, wherever it is. */
export async function fetchTranspiledJavaScript(url: string): Promise<string> {
  const response = await fetch(url, { headers: { accept: "text/javascript", ...credentials(url) } });
  if (!response.ok) throw new Error(`Failed to fetch ${url}: ${response.status}`);
  return response.text();
}

/** A file of the val as a response; modules as JavaScript. */
export async function serveFile(path: string, metaUrl: string = entrypoint()): Promise<Response> {
  const response = await fetchFile(path, metaUrl, "text/javascript");
  const headers = { "content-type": getContentType(path), "cache-control": "no-cache" };
  return new Response(response.body, { headers });
}

/** The path by which `serveImmutableFile` serves a file of this version, and browsers may keep it for ever. */
export function immutableFileUrl(path: string, metaUrl: string = entrypoint()): string {
  return `/__immutable/${parseVal(metaUrl).version}/${clean(path)}`;
}

/** Serves what `immutableFileUrl` names. */
export async function serveImmutableFile(path: string, metaUrl: string = entrypoint()): Promise<Response> {
  const [, version, file] = /^\/?__immutable\/(\d+)\/(.+)$/.exec(path) ?? [];
  if (file === undefined) return new Response("Failed to fetch file", { status: 404 });
  const { username, name, branch } = parseVal(metaUrl);
  const of = metaUrl.replace(MODULE, (_, origin) => `${origin}/v/${username}/${name}@${version}-${branch}/${file}`);
  const response = await serveFile(file, of);
  response.headers.set("cache-control", "public, max-age=31536000, immutable");
  return response;
}

/** A handler that serves the val's files by their paths; `/` is `/index.html`. */
export function staticHTTPServer(metaUrl: string = entrypoint()): (request: Request) => Promise<Response> {
  return async (request) => {
    const { pathname } = new URL(request.url);
    try {
      return await serveFile(pathname === "/" ? "/index.html" : decodeURIComponent(pathname), metaUrl);
    } catch {
      return new Response("Failed to fetch file", { status: 404 });
    }
  };
}

export function getContentType(path: string): string {
  const type = CONTENT_TYPES[path.slice(path.lastIndexOf(".") + 1).toLowerCase()] ?? "text/plain";
  return type.startsWith("text/") || type.endsWith("json") || type.endsWith("xml") ? `${type}; charset=utf-8` : type;
}

/** The id of the val. */
export async function getValId(metaUrl: string = entrypoint()): Promise<string> {
  const { username, name } = parseVal(metaUrl);
  return ((await (await callApi(`/v2/alias/vals/${username}/${name}`)).json()) as { id: string }).id;
}

/** Every file of the val, as the API shows it. */
export async function listFiles(metaUrl: string = entrypoint()): Promise<FileInfo[]> {
  return filesOf(metaUrl, "");
}

/** The files in a folder of the val and below it. */
export async function listFilesByPath(path: string, metaUrl: string = entrypoint()): Promise<FileInfo[]> {
  return filesOf(metaUrl, clean(path));
}

/** The address at which an HTTP file of the val answers. */
export async function httpEndpoint(path: string, metaUrl: string = entrypoint()): Promise<string> {
  return linkOf(await fileAt(path, metaUrl), "endpoint");
}

/** The address to which mail for an email file of the val goes. */
export async function emailAddress(path: string, metaUrl: string = entrypoint()): Promise<string> {
  return linkOf(await fileAt(path, metaUrl), "email");
}

async function filesOf(metaUrl: string, path: string): Promise<FileInfo[]> {
  const { version } = parseVal(metaUrl);
  const id = await getValId(metaUrl);
  const files: FileInfo[] = [];
  for (let offset = 0;; offset += PAGE_LENGTH) {
    const query = new URLSearchParams({
      path, version: String(version), recursive: "true", limit: String(PAGE_LENGTH), offset: String(offset),
    });
    const { data } = (await (await callApi(`/v2/vals/${id}/files?${query}`)).json()) as { data: FileInfo[] };
    files.push(...data);
    if (data.length < PAGE_LENGTH) return files;
  }
}

async function fileAt(path: string, metaUrl: string): Promise<FileInfo> {
  const [file] = await filesOf(metaUrl, clean(path));
  if (file === undefined) throw new Error(`There is no file ${path}`);
  return file;
}

function linkOf(file: FileInfo, kind: "endpoint" | "email"): string {
  const link = file.links[kind];
  if (link === undefined) throw new Error(`${file.path} has no ${kind}: it is of type ${file.type}`);
  return link;
}

async function fetchFile(path: string, metaUrl: string, accept: string): Promise<Response> {
  const url = parseVal(metaUrl).links.module + clean(path);
  const response = await fetch(url, { headers: { accept, ...credentials(url) } });
  if (!response.ok) throw new Error(`Failed to fetch file ${path}: ${response.status}`);
  return response;
}

function clean(path: string): string {
  return path.replace(/^\.?\/+|\/+$/g, "");
}

/** The pass is for this town's own addresses. */
function credentials(url: string): Record<string, string> {
  const origin = new URL(apiUrl()).origin;
  return url.startsWith(`${origin}/`) ? { authorization: `Bearer ${setting(PASS)}` } : {};
}
