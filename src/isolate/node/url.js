// node:url. The standard's URL, files as URLs, and the older `parse`, `format` and `resolve`.
(native, web, require) => {
  "use strict";
  const { fail, wrongType } = require("internal/errors");
  const querystring = require("querystring");
  const SLASHED = new Set(["http", "https", "ftp", "gopher", "file", "ws", "wss"]);

  class Url {
    protocol = null;
    slashes = null;
    auth = null;
    host = null;
    port = null;
    hostname = null;
    hash = null;
    search = null;
    query = null;
    pathname = null;
    path = null;
    href = "";
    format() {
      return formatObject(this);
    }
    resolve(relative) {
      return resolve(this.href, relative);
    }
    resolveObject(relative) {
      return parse(resolve(this.href, relative), false, true);
    }
  }
  const escaped = (text) => text.replace(/[\s"'<>\\^`{|}]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`);
  function parse(text, parseQuery = false, slashesDenoteHost = false) {
    if (text instanceof Url) return text;
    if (typeof text !== "string") throw wrongType("url", "of type string", text);
    const url = new Url();
    let rest = text.trim();
    const cut = rest.search(/[?#]/);
    const head = (cut < 0 ? rest : rest.slice(0, cut)).replaceAll("\\", "/");
    rest = cut < 0 ? head : head + rest.slice(cut);
    const scheme = /^[a-z][a-z0-9.+-]*:/i.exec(rest);
    if (scheme !== null) {
      url.protocol = scheme[0].toLowerCase();
      rest = rest.slice(scheme[0].length);
    }
    const name = url.protocol?.slice(0, -1);
    const slashed = rest.startsWith("//") && (scheme !== null || slashesDenoteHost);
    if (name !== "javascript" && (slashed || (scheme !== null && !SLASHED.has(name)))) {
      if (slashed) {
        url.slashes = true;
        rest = rest.slice(2);
      }
      const end = rest.search(/[/?#]/);
      let authority = end < 0 ? rest : rest.slice(0, end);
      rest = end < 0 ? "" : rest.slice(end);
      const at = authority.lastIndexOf("@");
      if (at >= 0) {
        url.auth = decodeURIComponent(authority.slice(0, at));
        authority = authority.slice(at + 1);
      }
      const port = /:([0-9]*)$/.exec(authority);
      if (port !== null) {
        if (port[1] !== "") url.port = port[1];
        authority = authority.slice(0, -port[0].length);
      }
      const bracketed = authority.startsWith("[") && authority.endsWith("]");
      url.hostname = bracketed ? authority.slice(1, -1).toLowerCase() : domainToASCII(authority) || authority.toLowerCase();
      url.host = (bracketed ? `[${url.hostname}]` : url.hostname) + (url.port === null ? "" : `:${url.port}`);
    }
    const hash = rest.indexOf("#");
    if (hash >= 0) {
      url.hash = escaped(rest.slice(hash));
      rest = rest.slice(0, hash);
    }
    const query = rest.indexOf("?");
    if (query >= 0) {
      url.search = escaped(rest.slice(query));
      url.query = parseQuery ? querystring.parse(url.search.slice(1)) : url.search.slice(1);
      rest = rest.slice(0, query);
    } else if (parseQuery) {
      url.search = "";
      url.query = querystring.parse("");
    }
    if (rest !== "") url.pathname = escaped(rest);
    if (url.slashes && SLASHED.has(name) && url.hostname !== null && url.pathname === null) url.pathname = "/";
    if (url.pathname !== null || url.search) url.path = (url.pathname ?? "") + (url.search ?? "");
    url.href = formatObject(url);
    return url;
  }
  function formatObject(url) {
    let protocol = url.protocol ?? "";
    if (protocol !== "" && !protocol.endsWith(":")) protocol += ":";
    let auth = url.auth ?? "";
    if (auth !== "") auth = `${encodeURIComponent(auth).replace(/%3A/i, ":")}@`;
    let host = false;
    if (url.host) host = auth + url.host;
    else if (url.hostname) {
      host = auth + (url.hostname.includes(":") && !url.hostname.startsWith("[") ? `[${url.hostname}]` : url.hostname);
      if (url.port) host += `:${url.port}`;
    }
    const query = url.query !== null && typeof url.query === "object" ? querystring.stringify(url.query) : "";
    let search = url.search || (query && `?${query}`) || "";
    let hash = url.hash ?? "";
    let pathname = url.pathname ?? "";
    if (url.slashes || ((protocol === "" || SLASHED.has(protocol.slice(0, -1))) && host !== false)) {
      host = `//${host || ""}`;
      if (pathname !== "" && !pathname.startsWith("/")) pathname = `/${pathname}`;
    } else if (host === false) host = "";
    if (hash !== "" && !hash.startsWith("#")) hash = `#${hash}`;
    if (search !== "" && !search.startsWith("?")) search = `?${search}`;
    return protocol + host + pathname.replace(/[?#]/g, encodeURIComponent) + search.replaceAll("#", "%23") + hash;
  }
  function format(url, options) {
    if (typeof url === "string") return parse(url).format();
    if (!(url instanceof URL)) return formatObject(url);
    const copy = new URL(url);
    if (options?.fragment === false) copy.hash = "";
    if (options?.search === false) copy.search = "";
    if (options?.auth === false) copy.username = copy.password = "";
    return copy.href;
  }
  function resolve(from, to) {
    const base = new URL(from, "resolve://");
    const resolved = new URL(to, base);
    if (resolved.protocol !== "resolve:") return resolved.href;
    const relative = resolved.pathname + resolved.search + resolved.hash;
    return from.startsWith("/") || to.startsWith("/") || resolved.host !== "" ? relative : relative.replace(/^\//, "");
  }
  function domainToASCII(domain) {
    try {
      return new URL(`ws://${domain}`).hostname;
    } catch {
      return "";
    }
  }
  function fileURLToPath(url) {
    const file = typeof url === "string" ? new URL(url) : url;
    if (!(file instanceof URL)) throw wrongType("path", "of type string or an instance of URL", url);
    if (file.protocol !== "file:") throw fail(TypeError, "ERR_INVALID_URL_SCHEME", "The URL must be of scheme file");
    if (file.hostname !== "") throw fail(TypeError, "ERR_INVALID_FILE_URL_HOST", 'File URL host must be "localhost" or empty');
    if (/%2f/i.test(file.pathname)) throw fail(TypeError, "ERR_INVALID_FILE_URL_PATH", "File URL path must not include encoded / characters");
    return decodeURIComponent(file.pathname);
  }
  function pathToFileURL(path) {
    const url = new URL("file:///");
    const whole = require("path").resolve(path) + (path.endsWith("/") && path !== "/" ? "/" : "");
    url.pathname = whole.replace(/[%\\\n\r\t?#]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`);
    return url;
  }
  function urlToHttpOptions(url) {
    const { protocol, hostname, pathname, search, hash, href, port, username, password } = url;
    const options = { protocol, hostname: hostname.replace(/^\[|\]$/g, ""), hash, search, pathname, path: pathname + search, href };
    if (port !== "") options.port = Number(port);
    if (username || password) options.auth = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    return options;
  }
  return {
    Url, URL, URLSearchParams, parse, format, resolve, resolveObject: (from, to) => parse(resolve(from, to), false, true),
    domainToASCII, domainToUnicode: domainToASCII, fileURLToPath, pathToFileURL, urlToHttpOptions,
  };
}
