// node:path. There are POSIX paths only; `path.win32` is the same.
(native, web, require) => {
  "use strict";
  const { needString } = require("internal/errors");
  // Removes `.`, `..` and empty parts.
  function parts(path, absolute) {
    const kept = [];
    for (const part of path.split("/")) {
      if (part === "" || part === ".") continue;
      if (part !== "..") kept.push(part);
      else if (kept.length > 0 && kept[kept.length - 1] !== "..") kept.pop();
      else if (!absolute) kept.push("..");
    }
    return kept.join("/");
  }
  const isAbsolute = (path) => {
    needString(path, "path");
    return path.startsWith("/");
  };
  function normalize(path) {
    needString(path, "path");
    if (path === "") return ".";
    const absolute = path.startsWith("/");
    let plain = parts(path, absolute);
    if (plain === "" && !absolute) plain = ".";
    if (plain !== "" && path.endsWith("/")) plain += "/";
    return absolute ? `/${plain}` : plain;
  }
  function join(...paths) {
    for (const path of paths) needString(path, "path");
    const joined = paths.filter((path) => path !== "").join("/");
    return joined === "" ? "." : normalize(joined);
  }
  function resolve(...paths) {
    let resolved = "";
    for (let i = paths.length - 1; i >= 0 && !resolved.startsWith("/"); i--) {
      needString(paths[i], `paths[${i}]`);
      if (paths[i] !== "") resolved = resolved === "" ? paths[i] : `${paths[i]}/${resolved}`;
    }
    return `/${parts(resolved, true)}`;
  }
  function relative(from, to) {
    const a = resolve(from).split("/").filter(Boolean);
    const b = resolve(to).split("/").filter(Boolean);
    let same = 0;
    while (same < a.length && same < b.length && a[same] === b[same]) same++;
    return [...Array(a.length - same).fill(".."), ...b.slice(same)].join("/");
  }
  function dirname(path) {
    needString(path, "path");
    const trimmed = path.replace(/\/+$/, "");
    if (trimmed === "") return path.startsWith("/") ? "/" : ".";
    const at = trimmed.lastIndexOf("/");
    if (at < 0) return ".";
    return at === 0 ? "/" : at === 1 && trimmed.startsWith("//") ? "//" : trimmed.slice(0, at);
  }
  function basename(path, suffix) {
    needString(path, "path");
    if (suffix !== undefined) needString(suffix, "suffix");
    if (path === suffix) return "";
    const trimmed = path.replace(/\/+$/, "");
    const base = trimmed.slice(trimmed.lastIndexOf("/") + 1);
    return suffix !== undefined && base !== suffix && base.endsWith(suffix) ? base.slice(0, base.length - suffix.length) : base;
  }
  function extname(path) {
    const base = basename(path);
    const at = base.lastIndexOf(".");
    return at <= 0 || base === ".." ? "" : base.slice(at);
  }
  function parse(path) {
    const root = isAbsolute(path) ? "/" : "";
    const base = basename(path);
    const ext = extname(path);
    const trimmed = path.replace(/\/+$/, "");
    const at = trimmed.lastIndexOf("/");
    const dir = at < 0 ? "" : at === 0 ? "/" : trimmed.slice(0, at);
    return { root, dir: dir === "" ? root : dir, base, ext, name: base.slice(0, base.length - ext.length) };
  }
  function format(object) {
    const { root = "", dir = root, name = "", ext = "" } = object;
    const base = object.base || name + (ext && !ext.startsWith(".") ? `.${ext}` : ext);
    if (!dir) return base;
    return dir === root ? dir + base : `${dir}/${base}`;
  }
  function matchesGlob(path, pattern) {
    const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, "\\$&").replace(/\*\*\/?|\*|\?/g, (mark) =>
      mark === "*" ? "[^/]*" : mark === "?" ? "[^/]" : ".*");
    return new RegExp(`^${escaped}$`).test(path);
  }
  const path = {
    sep: "/", delimiter: ":", basename, dirname, extname, format, isAbsolute, join, matchesGlob, normalize, parse, relative,
    resolve, toNamespacedPath: (path) => path,
  };
  path.posix = path;
  path.win32 = path;
  return path;
}
