// A registry of packages on this machine, and modules at addresses: what an editor's types come from.
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { gzipSync } from "node:zlib";

const BLOCK = 512;

/** Serves `packages` (files by path, by name; the version is in package.json) and `modules` (answers by path). */
export async function startRegistry(packages, modules = {}) {
  const archives = new Map();
  for (const [name, files] of Object.entries(packages)) archives.set(name, gzipSync(tar(files)));
  const asked = [];
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url, "http://localhost").pathname);
    asked.push(path);
    const found = archives.get(path.slice(1));
    const archive = archives.get(path.replace(/^\/-\//, "").replace(/\.tgz$/, ""));
    if (path in modules) {
      response.writeHead(200, modules[path].headers).end(modules[path].body);
    } else if (archive !== undefined && path.startsWith("/-/")) {
      response.end(archive);
    } else if (found !== undefined) {
      const name = path.slice(1);
      const { version } = JSON.parse(packages[name]["package.json"]);
      const integrity = `sha512-${createHash("sha512").update(found).digest("base64")}`;
      const dist = { tarball: `http://${request.headers.host}/-/${name}.tgz`, integrity };
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({ name, "dist-tags": { latest: version }, versions: { [version]: { name, version, dist } } }));
    } else response.writeHead(404).end();
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return { url: `http://127.0.0.1:${server.address().port}`, asked, stop: () => new Promise((done) => (server.closeAllConnections(), server.close(done))) };
}

/** An archive as npm packs them: every file below `package/`. */
function tar(files) {
  const blocks = [];
  for (const [path, text] of Object.entries(files)) {
    const body = Buffer.from(text);
    const head = Buffer.alloc(BLOCK);
    const put = (at, value) => head.write(value, at, "latin1");
    put(0, `package/${path}`);
    put(100, "0000644\0");
    put(108, "0000000\0");
    put(116, "0000000\0");
    put(124, `${body.length.toString(8).padStart(11, "0")}\0`);
    put(136, "00000000000\0");
    put(148, "        ");
    put(156, "0");
    put(257, "ustar\x0000");
    put(148, `${head.reduce((sum, byte) => sum + byte, 0).toString(8).padStart(6, "0")}\0 `);
    blocks.push(head, body, Buffer.alloc((BLOCK - (body.length % BLOCK)) % BLOCK));
  }
  return Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK)]);
}
