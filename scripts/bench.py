"""End-to-end benchmark of a town: starts one on a free port with a temporary folder, creates vals
through its API, measures over HTTP with everything included, and prints a Markdown table.

Python's standard library only. wrk (Debian's package) makes the load for the throughput rows where it
is there or can be installed; else a loop of our own does, which is slower than the town. Ends what it
starts, by pid. Bounded to three minutes: what no time is left for is printed as such.
"""

import argparse
import json
import os
import platform
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
OWNER = "bench"
TOKEN = "bench-token-0123456789abcdef"

SECONDS_MAX = 180
# Asked for by the benchmark's definition; see the README.
COLD_VALS = 60
DISTINCT_VALS = 200
DEPTH_MAX = 8
# Enough for a median that moves by less than the machine does.
FORKED_REQUESTS = 300
WARM_REQUESTS = 2000
LEVEL_REQUESTS = 300
LEVEL_COLD_VALS = 5
LEVEL_DIFFERENCES = 20
STATEMENT_REQUESTS = 60
LINES_REQUESTS = 150
IDLE_VALS = 40
WRK_SECONDS = 4
HARDENING_ROUNDS = 3
BUSY_REQUESTS = 60

HELLO = 'export default () => Response.json("I work!");\n'
LIBRARY = "export const borrowed = 1;\nexport default () => new Response(String(borrowed));\n"
BORROWING = 'import { borrowed } from "https://esm.town/v/librarian/library/main.ts";\nif (borrowed !== 1) throw new Error("It is another");\n'
FORKED = "// town: isolation=request\n" + HELLO
# So that no two programs are equal: each needs a template of its own.
DIFFERENT = 'const name = "{name}";\nexport default () => Response.json("I work, " + name);\n'
STORING = """
import { storage } from "town:kernel";
export default async (request: Request) => {
  const query = new URL(request.url).searchParams;
  if (query.has("setup")) {
    await storage.execute("CREATE TABLE IF NOT EXISTS item (id INTEGER PRIMARY KEY, text TEXT)");
    await storage.execute("INSERT OR IGNORE INTO item VALUES (1, 'one')");
  }
  const sql = query.get("write") ? "UPDATE item SET text = hex(randomblob(8)) WHERE id = 1" : "SELECT text FROM item WHERE id = 1";
  for (let left = Number(query.get("count") ?? 0); left > 0; left--) await storage.execute(sql);
  return new Response("done");
};
"""
# Calls of built-in methods, which is where frozen prototypes would be slow if anywhere.
BUSY = """
export default () => {
  let sum = 0;
  for (let round = 0; round < 2000; round++) {
    const list = [round, 2, 3].map((n) => n * 2).filter((n) => n > 3);
    const object = { list, text: String(round) };
    object.toString = () => object.text;
    sum += list.length + `${object}`.length + Object.keys(object).length;
  }
  return new Response(String(sum));
};
"""
LOGGING = """
export default (request: Request) => {
  const count = Number(new URL(request.url).searchParams.get("count") ?? 0);
  for (let line = 0; line < count; line++) console.log("a line of an ordinary length", line);
  return new Response("done");
};
"""
HONO = """
import { Hono } from "hono";
const app = new Hono();
app.get("*", (c) => c.json("I work!"));
export default app.fetch;
"""


class Failed(Exception):
    """The town did not do what was asked of it."""


class Connection:
    """One connection to the town, by the plainest means: what is measured is the other end."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.rest = b""

    def ask(self, host, path, method="GET", body=b"", headers=""):
        """Status, body, and the moment at which the first byte came."""
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        head = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n{headers}{length}\r\n"
        self.socket.sendall(head.encode() + body)
        data, first = self.rest, None
        while b"\r\n\r\n" not in data:
            data, first = self._more(data, first)
        head, data = data.split(b"\r\n\r\n", 1)
        status = int(head[9:12])
        fields = head.lower()
        found = re.search(rb"\r\ncontent-length: *(\d+)", fields)
        if found:
            end = int(found.group(1))
            while len(data) < end:
                data, first = self._more(data, first)
            body, self.rest = data[:end], data[end:]
        elif b"transfer-encoding: chunked" in fields:
            body, data, first = self._chunks(data, first)
            self.rest = data
        else:
            body, self.rest = b"", data
        return status, body, first

    def _chunks(self, data, first):
        body = b""
        while True:
            while b"\r\n" not in data:
                data, first = self._more(data, first)
            size, data = data.split(b"\r\n", 1)
            size = int(size, 16)
            while len(data) < size + 2:
                data, first = self._more(data, first)
            body, data = body + data[:size], data[size + 2 :]
            if size == 0:
                return body, data, first

    def _more(self, data, first):
        chunk = self.socket.recv(1 << 16)
        if not chunk:
            raise Failed("the town closed the connection")
        return data + chunk, first or time.perf_counter()

    def close(self):
        self.socket.close()


class Town:
    """A town of our own."""

    def __init__(self, binary, folder, without="", arguments=()):
        self.log = open(os.path.join(folder, "log"), "w")
        environment = {"PATH": os.environ["PATH"], "TOWN_OWNER": OWNER, "TOWN_TOKEN": TOKEN}
        if without:
            environment["TOWN_TEST_WITHOUT"] = without
        started = time.perf_counter()
        self.process = subprocess.Popen(
            [binary, "--listen", "127.0.0.1:0", "--data", os.path.join(folder, "data"), *arguments],
            env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log, text=True,
        )
        line = self.process.stdout.readline()
        ready = re.match(r"town: ready at http://localhost:(\d+)/", line)
        if not ready:
            self.end()
            raise Failed(f"the town did not start: {line!r}")
        self.start_ms = (time.perf_counter() - started) * 1000
        self.port = int(ready.group(1))
        self.host = f"localhost:{self.port}"
        self.connection = Connection(self.port)

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()

    def api(self, path, body, prefix="", token=TOKEN):
        headers = f"Authorization: Bearer {token}\r\nContent-Type: application/json\r\n"
        data = json.dumps(body).encode()
        status, answer, _ = self.connection.ask(self.host, prefix + path, "POST", data, headers)
        if status >= 300:
            raise Failed(f"{path} answered {status}: {answer[:300]!r}")
        return json.loads(answer)

    def val(self, name, code, prefix="", token=TOKEN):
        """Creates a val of one HTTP file and answers its host."""
        files = [{"path": "main.ts", "type": "http", "content": code}]
        made = self.api("/api/town/vals", {"name": name, "files": files}, prefix, token)
        return made["files"][0]["links"]["endpoint"].removeprefix("http://").split("/")[0]

    def children(self):
        """Processes of the town, by pid: 'isolate' where sealed, else 'template' (the zygote too)."""
        found = {}
        for entry in os.listdir("/proc"):
            if not entry.isdigit():
                continue
            try:
                with open(f"/proc/{entry}/status") as status:
                    fields = dict(line.split(":", 1) for line in status if ":" in line)
            except OSError:
                continue
            if int(fields.get("PPid", 0)) == self.process.pid:
                sealed = int(fields.get("Seccomp_filters", "0")) > 1
                found[int(entry)] = "isolate" if sealed else "template"
        return found


def checked(answer):
    status, body, first = answer
    if status != 200:
        raise Failed(f"a val answered {status}: {body[:300]!r}")
    return first


def latencies(port, host, path, count):
    """Milliseconds to the first byte, one request after the other on one connection."""
    connection = Connection(port)
    samples = []
    for _ in range(count):
        start = time.perf_counter()
        samples.append((checked(connection.ask(host, path)) - start) * 1000)
    connection.close()
    return samples


def median(samples):
    return statistics.median(samples)


def spread(samples):
    ordered = sorted(samples)
    return f"{ordered[0]:.2f} / {ordered[int(len(ordered) * 0.95)]:.2f}"


def milliseconds(value):
    return f"{value:.2f} ms" if value >= 0.1 else f"{value * 1000:.0f} us"


# ---- What is measured -----------------------------------------------------------------------------


def cold(town, row):
    hosts = [town.val(f"cold{n}", DIFFERENT.replace("{name}", f"cold{n}")) for n in range(COLD_VALS)]
    samples = []
    for host in hosts:
        start = time.perf_counter()
        connection = Connection(town.port)
        samples.append((checked(connection.ask(host, "/")) - start) * 1000)
        connection.close()
    row(f"a never-seen val, connect to first byte ({COLD_VALS} vals)", milliseconds(median(samples)), spread(samples))


def forked(town, row):
    host = town.val("forked", FORKED)
    latencies(town.port, host, "/", 10)
    samples = latencies(town.port, host, "/", FORKED_REQUESTS)
    row("a request in a fork of its template, small val", milliseconds(median(samples)), spread(samples))


def forked_with_hono(town, row, folder):
    what = "a request in a fork of its template, Hono loaded"
    bundle, reason = bundled_hono(folder)
    if bundle is None:
        row(what, "not measured", reason)
        return
    host = town.val("hono", "// town: isolation=request\n" + bundle)
    latencies(town.port, host, "/", 10)
    samples = latencies(town.port, host, "/", FORKED_REQUESTS)
    row(f"{what} ({len(bundle) // 1000} kB)", milliseconds(median(samples)), spread(samples))


def bundled_hono(folder):
    """Hono as one minified file, by the package registry's own client."""
    if not shutil.which("npm"):
        return None, "needs npm"
    with open(os.path.join(folder, "in.js"), "w") as file:
        file.write(HONO)
    install = ["npm", "install", "--no-audit", "--no-fund", "--silent", "hono@4", "esbuild@0"]
    bundle = [
        "node_modules/.bin/esbuild", "in.js", "--bundle", "--format=esm", "--minify", "--target=es2022", "--outfile=out.js",
    ]
    try:
        for command in (install, bundle):
            subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=60)
    except (subprocess.SubprocessError, OSError) as error:
        return None, f"{command[0]} failed: {type(error).__name__}"
    with open(os.path.join(folder, "out.js")) as file:
        return file.read(), ""


def warm(town, row):
    host = town.val("hello", HELLO)
    latencies(town.port, host, "/", 50)
    samples = latencies(town.port, host, "/", WARM_REQUESTS)
    row("warm, 1 connection: latency", milliseconds(median(samples)), spread(samples))
    wrk = wrk_command()
    for connections in (1, 16):
        rate, note = load_by_wrk(wrk, town.port, host, connections) if wrk else load(town.port, host, connections)
        row(f"warm, {connections} connection{'s' if connections > 1 else ''}: throughput", f"{rate:,.0f} /s", note)


def wrk_command():
    if not shutil.which("wrk") and os.geteuid() == 0 and shutil.which("apt-get"):
        environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
        subprocess.run(["apt-get", "install", "-y", "-qq", "wrk"], env=environment, capture_output=True, timeout=60)
    return shutil.which("wrk")


def load_by_wrk(wrk, port, host, connections):
    command = [
        wrk, "-t1", f"-c{connections}", f"-d{WRK_SECONDS}s", "--latency", "-H", f"Host: {host}", f"http://127.0.0.1:{port}/",
    ]
    output = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    rate = float(re.search(r"Requests/sec:\s*([\d.]+)", output).group(1))
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", output)
    if bad:
        raise Failed(f"{bad.group(1)} requests failed under load")
    median_text = re.search(r"^\s+50%\s+(\S+)", output, re.MULTILINE).group(1)
    slow_text = re.search(r"^\s+99%\s+(\S+)", output, re.MULTILINE).group(1)
    return rate, f"wrk: p50 {median_text}, p99 {slow_text}"


def load(port, host, connections):
    done, failures, end = [0] * connections, [], time.perf_counter() + WRK_SECONDS

    def work(number):
        try:
            connection = Connection(port)
            while time.perf_counter() < end:
                checked(connection.ask(host, "/"))
                done[number] += 1
            connection.close()
        except (Failed, OSError) as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise Failed(f"a request failed under load: {failures[0]}")
    return sum(done) / WRK_SECONDS, "own loop: Python is the slower end"


def memory(town, row):
    what = f"memory of an idle isolate, private dirty ({IDLE_VALS} small vals)"
    if os.geteuid() != 0:
        row(what, "not measured", "needs root: isolates are not dumpable")
        return
    before = set(town.children())
    names = [f"idle{n}" for n in range(IDLE_VALS)]
    hosts = [town.val(name, DIFFERENT.replace("{name}", name)) for name in names]
    for host in hosts:
        checked(town.connection.ask(host, "/"))
    of_kind = {"isolate": [], "template": []}
    proportional = []
    for pid, kind in town.children().items():
        if pid in before:
            continue
        try:
            with open(f"/proc/{pid}/smaps_rollup") as rollup:
                fields = {line.split(":")[0]: line.split()[1] for line in rollup if line.endswith("kB\n")}
        except OSError:
            continue
        of_kind[kind].append(int(fields["Private_Dirty"]))
        proportional.append(int(fields["Pss"]))
    row(what, f"{median(of_kind['isolate'])} kB", f"{len(of_kind['isolate'])} isolates")
    # A small program has none before its second start.
    if of_kind["template"]:
        row("the same of its template", f"{median(of_kind['template'])} kB", f"{len(of_kind['template'])} templates")
    row("proportional set of a val's two processes", f"{sum(proportional) / IDLE_VALS:,.0f} kB", "PSS, by smaps_rollup")


def distinct(town, row):
    names = [f"many{n}" for n in range(DISTINCT_VALS)]
    hosts = [town.val(name, DIFFERENT.replace("{name}", name)) for name in names]
    connection = Connection(town.port)
    samples, begin = [], time.perf_counter()
    for host in hosts:
        start = time.perf_counter()
        samples.append((checked(connection.ask(host, "/")) - start) * 1000)
    seconds = time.perf_counter() - begin
    connection.close()
    row(f"{DISTINCT_VALS} different vals once each", f"{seconds:.2f} s", f"{milliseconds(median(samples))} each; {spread(samples)}")


def nesting(town, row):
    prefix, token, medians, lowest = "", TOKEN, [], []
    for depth in range(DEPTH_MAX + 1):
        town.val("level", HELLO, prefix, token)
        path = f"{prefix}/run/{OWNER}/level/"
        latencies(town.port, town.host, path, 20)
        samples = latencies(town.port, town.host, path, LEVEL_REQUESTS)
        medians.append(median(samples))
        lowest.append(min(samples))
        if depth < DEPTH_MAX:
            token = town.api("/api/town/instances", {"name": "inner"}, prefix, token)["token"]
            prefix += f"/run/{OWNER}/inner"
    slope = statistics.linear_regression(range(DEPTH_MAX + 1), medians).slope
    least = statistics.linear_regression(range(DEPTH_MAX + 1), lowest).slope
    at = " ".join(f"{value:.2f}" for value in medians)
    row(f"each nesting level, warm (slope over depth 0 to {DEPTH_MAX}, by path)", milliseconds(slope),
        f"slope of the lowest {milliseconds(least)}; medians at 0, 1, ...: {at}")


def levels(town, row):
    """What each level adds to a first request, a statement and a line: the last two go to the kernel directly."""
    prefix, token = "", TOKEN
    at = {"cold request": [], "storage statement": [], "line of log": []}
    for depth in range(DEPTH_MAX + 1):
        samples = []
        for number in range(LEVEL_COLD_VALS):
            name = f"cold{depth}x{number}"
            town.val(name, DIFFERENT.replace("{name}", name), prefix, token)
            samples += latencies(town.port, town.host, f"{prefix}/run/{OWNER}/{name}/", 1)
        at["cold request"].append(median(samples))
        town.val("level-storing", STORING, prefix, token)
        path = f"{prefix}/run/{OWNER}/level-storing/"
        latencies(town.port, town.host, f"{path}?setup=1", 1)
        at["storage statement"].append(difference(town, town.host, 50, f"{path}?count=50", path, LEVEL_DIFFERENCES))
        town.val("level-logging", LOGGING, prefix, token)
        path = f"{prefix}/run/{OWNER}/level-logging/"
        at["line of log"].append(difference(town, town.host, 100, f"{path}?count=100", path, LEVEL_DIFFERENCES))
        if depth < DEPTH_MAX:
            token = town.api("/api/town/instances", {"name": "levels"}, prefix, token)["token"]
            prefix += f"/run/{OWNER}/levels"
    for what, medians in at.items():
        slope = statistics.linear_regression(range(DEPTH_MAX + 1), medians).slope
        shown = " ".join(f"{value:.3f}" for value in medians)
        row(f"each nesting level: {what} (slope over depth 0 to {DEPTH_MAX})", f"{slope * 1000:.1f} us", f"ms at 0, 1, ...: {shown}")


def difference(town, host, count, many, none, requests):
    """Milliseconds for one of `count` things that one request does and another does not. The two take
    turns, so that whatever else the machine does meanwhile hits both alike."""
    connection, with_all, without = Connection(town.port), [], []
    for number in range(requests + 5):
        for path, samples in ((many, with_all), (none, without)):
            start = time.perf_counter()
            took = (checked(connection.ask(host, path)) - start) * 1000
            if number >= 5:
                samples.append(took)
    connection.close()
    return (median(with_all) - median(without)) / count


def each(value):
    return milliseconds(value) if value > 0 else "below the noise"


def statements(town, row):
    host, count = town.val("storing", STORING), 50
    checked(town.connection.ask(host, "/?setup=1"))
    read = difference(town, host, count, f"/?count={count}", "/", STATEMENT_REQUESTS)
    row("one storage statement from a val: read", each(read), f"{count} in a row, less the request")
    count = 10
    write = difference(town, host, count, f"/?write=1&count={count}", "/", STATEMENT_REQUESTS // 3)
    row("one storage statement from a val: write", each(write), "committed and synced to disk before it is answered")


def lines(town, row):
    host, count = town.val("logging", LOGGING), 100
    line = difference(town, host, count, f"/?count={count}", "/", LINES_REQUESTS)
    row("one line of log", each(line), f"{count} lines, less the request")


# ---- Hardening against none -----------------------------------------------------------------------


def hardening(binary, row):
    """
    The same town with frozen intrinsics and without, in turn, so that the machine's mood is in both. Its vals import
    somebody else's, since only programs with such a module have theirs frozen.
    """
    found = {}
    for turn in range(HARDENING_ROUNDS * 2):
        without = "hardening" if turn % 2 else ""
        with tempfile.TemporaryDirectory(prefix="town-bench-") as folder:
            town = Town(binary, folder, without)
            try:
                librarian = town.api("/api/town/users", {"username": "librarian"})["token"]
                town.val("library", LIBRARY, token=librarian)
                town.val("first", BORROWING + HELLO)
                kept = []
                numbers = {"start of a town": town.start_ms}
                different = [BORROWING + DIFFERENT.replace("{name}", f"cold{n}") for n in range(COLD_VALS)]
                hosts = [town.val(f"cold{n}", code) for n, code in enumerate(different)]
                samples = []
                for host in hosts:
                    start = time.perf_counter()
                    samples.append((checked(town.connection.ask(host, "/")) - start) * 1000)
                numbers["a never-seen val"] = median(samples)
                latencies(town.port, hosts[0], "/", 50)
                numbers["warm latency"] = median(latencies(town.port, hosts[0], "/", WARM_REQUESTS))
                busy = town.val("busy", BORROWING + BUSY)
                latencies(town.port, busy, "/", 5)
                numbers["a val that computes"] = median(latencies(town.port, busy, "/", BUSY_REQUESTS))
                memory(town, lambda *told: kept.append(told))
                dirty = re.match(r"([\d.]+) kB", kept[0][1])
                if dirty:
                    numbers["memory of an idle isolate, kB"] = float(dirty.group(1))
            finally:
                town.end()
        for what, number in numbers.items():
            found.setdefault(what, {}).setdefault(without, []).append(number)
    for what, numbers in found.items():
        hardened, plain = median(numbers[""]), median(numbers["hardening"])
        unit = "" if what.endswith("kB") else " ms"
        row(f"{what}: hardened", f"{hardened:.2f}{unit}", f"without {plain:.2f}{unit}, {(hardened / plain - 1) * 100:+.1f} %")


# ---- The table ------------------------------------------------------------------------------------


def machine():
    """Cores, CPU, memory, kernel: without them the numbers mean nothing."""
    with open("/proc/cpuinfo") as file:
        model = re.search(r"model name\s*:\s*(.+)", file.read())
    with open("/proc/meminfo") as file:
        memory_kb = int(re.search(r"MemTotal:\s*(\d+)", file.read()).group(1))
    load_now = os.getloadavg()[0]
    return (
        f"{os.cpu_count()} cores ({model.group(1).strip() if model else platform.machine()}), "
        f"{memory_kb / 1048576:.0f} GiB, Linux {platform.release()}, load average {load_now:.1f} at the start"
    )


def table(header, rows):
    print(f"{header}; medians, over HTTP on loopback.\n")
    print("| what | median | lowest / 95th percentile in ms, or note |\n|---|---|---|")
    for what, value, note in rows:
        print(f"| {what} | {value} | {note} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=os.path.join(ROOT, "target/release/town"), help="the town to measure")
    parser.add_argument("--only", metavar="NAME", action="append", help="measure only this (may be repeated)")
    parser.add_argument("--hardening", action="store_true", help="compare frozen intrinsics with none; needs a binary with the switch")
    options = parser.parse_args()
    parts = {
        "cold": cold, "forked": forked, "hono": forked_with_hono, "warm": warm, "memory": memory, "distinct": distinct,
        "nesting": nesting, "levels": levels, "statements": statements, "lines": lines,
    }
    unknown = set(options.only or []) - set(parts)
    if unknown:
        parser.error(f"--only takes one of {', '.join(parts)}")
    rows, end = [], time.monotonic() + SECONDS_MAX
    header = machine()

    def row(what, value, note):
        rows.append((what, value, note))
        print(f"{what}: {value} ({note})", file=sys.stderr)

    failed = False
    if options.hardening:
        hardening(options.binary, row)
        table(header, rows)
        return
    with tempfile.TemporaryDirectory(prefix="town-bench-") as folder:
        town = Town(options.binary, folder)
        try:
            # The town's own programs are compiled and warm: what is measured is a val's first request.
            host = town.val("first", HELLO)
            latencies(town.port, host, "/", 20)
            for name, part in parts.items():
                if options.only and name not in options.only:
                    continue
                if time.monotonic() > end:
                    row(name, "not measured", f"{SECONDS_MAX} s are over")
                    continue
                try:
                    part(town, row, folder) if part is forked_with_hono else part(town, row)
                except (Failed, OSError, subprocess.SubprocessError, statistics.StatisticsError) as error:
                    failed = True
                    row(name, "failed", str(error).replace("\n", " "))
        finally:
            town.end()
    table(header, rows)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
