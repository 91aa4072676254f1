// node:fs, read only: the files are those of the program that are data, by their path below its main module.
(native, web, require) => {
  "use strict";
  const { fail, wrongType, needFunction } = require("internal/errors");
  const { Buffer } = require("buffer");
  const { nextTick } = require("internal/process");
  const text = (path) => {
    if (path instanceof URL) return path.href;
    if (path instanceof Uint8Array) return Buffer.from(path).toString();
    if (typeof path !== "string") throw wrongType("path", "of type string or an instance of Buffer or URL", path);
    return path;
  };
  const systemError = (code, errno, what, syscall, path) => Object.assign(fail(Error, code, `${code}: ${what}, ${syscall} '${path}'`), { errno, syscall, path });
  function bytes(path, syscall = "open") {
    const name = text(path);
    const found = web.readFile(name);
    if (found === undefined) throw systemError("ENOENT", -2, "no such file or directory", syscall, name);
    return Buffer.from(found.buffer, found.byteOffset, found.byteLength);
  }
  const readOnly = (syscall) => (path) => {
    throw systemError("EROFS", -30, "read-only file system", syscall, String(path));
  };
  function readFileSync(path, options) {
    const encoding = typeof options === "string" ? options : options?.encoding;
    const found = bytes(path);
    return encoding && encoding !== "buffer" ? found.toString(encoding) : found;
  }
  const exists = (path) => {
    try {
      return web.readFile(text(path)) !== undefined;
    } catch {
      return false;
    }
  };
  class Stats {
    constructor(size) {
      const at = new Date(0);
      Object.assign(this, { dev: 0, ino: 0, mode: 0o100444, nlink: 1, uid: 0, gid: 0, rdev: 0, size, blksize: 4096, blocks: Math.ceil(size / 512), atimeMs: 0, mtimeMs: 0, ctimeMs: 0, birthtimeMs: 0, atime: at, mtime: at, ctime: at, birthtime: at });
    }
    isFile() { return true; }
    isDirectory() { return false; }
    isSymbolicLink() { return false; }
    isFIFO() { return false; }
    isSocket() { return false; }
    isBlockDevice() { return false; }
    isCharacterDevice() { return false; }
  }
  const statSync = (path, options) => {
    if (options?.throwIfNoEntry === false && !exists(path)) return undefined;
    return new Stats(bytes(path, "stat").length);
  };
  const accessSync = (path, mode = 0) => {
    bytes(path, "access");
    if (mode & constants.W_OK) readOnly("access")(path);
  };
  const constants = { F_OK: 0, R_OK: 4, W_OK: 2, X_OK: 1, O_RDONLY: 0, O_WRONLY: 1, O_RDWR: 2, O_CREAT: 64, O_EXCL: 128, O_TRUNC: 512, O_APPEND: 1024, COPYFILE_EXCL: 1 };
  const sync = { readFileSync, statSync, lstatSync: statSync, accessSync, realpathSync: (path) => text(path), readdirSync: (path) => { throw systemError("ENOENT", -2, "directories are not listed here", "scandir", String(path)); } };
  for (const name of [
    "writeFile", "appendFile", "mkdir", "mkdtemp", "rm", "rmdir", "unlink", "rename", "copyFile", "cp", "chmod", "chown", "utimes", "symlink",
    "link", "truncate", "open", "opendir", "readlink",
  ]) sync[`${name}Sync`] = readOnly(name);
  const promises = { constants };
  const fs = { ...sync, existsSync: exists, constants, ...constants, Stats, promises };
  for (const name in sync) {
    const base = name.slice(0, -4);
    promises[base] = async (...args) => sync[name](...args);
    fs[base] = (...args) => {
      const done = args.pop();
      needFunction(done, "cb");
      promises[base](...args).then((value) => nextTick(done, null, value), (error) => nextTick(done, error));
    };
  }
  fs.exists = (path, done) => nextTick(done, exists(path));
  fs.createReadStream = (path, options) => require("stream").Readable.from([bytes(path)], { objectMode: false, ...(typeof options === "string" ? { encoding: options } : options) });
  for (const name of ["createWriteStream", "watch", "watchFile", "openSync", "readSync", "writeSync", "closeSync"]) fs[name] = readOnly(name);
  return fs;
}
