"""A town with ten thousand authors, a hundred thousand vals and ten million records beside one with
forty vals: what visitors, authors and readers of logs wait for, in turn in both, and how many times as
long it takes in the large one. scripts/bench --scale

Fills the platform's own tables with its own statements, by a program that takes the platform's place
for so long. Bounded: about six minutes and 6 GB below the folder for temporary files (TMPDIR), which
are removed. Fails where something takes more than twice as long.
"""

import argparse
import hashlib
import json
import os
import random
import shutil
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from bench import HELLO, LOGGING, OWNER, ROOT, TOKEN, Connection, Failed, Town, machine, median, milliseconds

# As the platform's definition of done has it.
TIMES_MAX = 2.0
# Medians are asked for in turns, so that whatever else the machine does is in both.
ROUNDS = 60
# More than any list shows, so that the small town draws as much as the large one.
SEED_VALS = 40
SEED_RUNS = 120
VALS_AT_ONCE = 1_000
RECORDS_AT_ONCE = 200_000
# Of the records every so many-th is of the val whose logs are read, so its own lie far apart.
PROBED_EVERY = 400
LINES_PER_RUN = 4
# A library that every so many-th val imports.
POPULAR_EVERY = 5
WORDS = 20_000
WORDS_PER_VAL = 50
DAY_MS = 24 * 60 * 60 * 1000
DISK_BYTES = 8 << 30
# For one portion, on a machine that does much else.
FILL_SECONDS = 600

FILLER = """
import { storage } from "town:kernel";
export default {
  async fetch(request: Request): Promise<Response> {
    if (request.method !== "POST") return new Response("{}");
    const { names, statements, args } = await request.json();
    let at = storage!;
    for (const name of names) at = at.sub(name);
    const own = (sql: string) => Object.fromEntries(Object.entries(args).filter(([key]) => new RegExp(":" + key + "(?![a-z_])").test(sql)));
    const results = [];
    for (const sql of statements) {
      const begin = performance.now();
      results.push(await at.execute({ sql, args: own(sql) }));
      const took = performance.now() - begin;
      if (took > 300) console.log(Math.round(took), sql.slice(0, 60));
    }
    return Response.json(results[results.length - 1]!.rows);
  },
};
"""

# Numbers become ids that are as far apart as random ones.
SPREAD = "printf('%08x', ({0} * 2654435761) & 4294967295) || '-0000-4000-8000-00000000000{1}'"
COUNTING = "WITH RECURSIVE n (i) AS (SELECT :from UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :to)"


def identity(number, kind):
    return f"{(number * 2654435761) & 4294967295:08x}-0000-4000-8000-00000000000{kind}"


def sql_id(number, kind):
    return SPREAD.format(number, kind)


class Filler:
    """The town's folder, while a program of ours has the platform's place."""

    def __init__(self, binary, folder, options):
        image = os.path.join(folder, "image")
        shutil.copytree(options.bootstrap_vals or os.path.join(ROOT, "bootstrap-vals"), image, dirs_exist_ok=True)
        with open(os.path.join(image, "main.ts"), "w") as file:
            file.write(FILLER)
        self.town = Town(binary, folder, arguments=(
            "--bootstrap-vals", image, "--stall-limit", "500000", "--cpu-limit", "5000", "--time-limit", str(FILL_SECONDS),
            *(("--cache", options.cache) if options.cache else ())))

    def run(self, statements, args=None, names=()):
        self.town.connection.close()
        self.town.connection = Connection(self.town.port)
        self.town.connection.socket.settimeout(FILL_SECONDS)
        return self.town.api("/", {"names": list(names), "statements": statements, "args": args or {}})


def fill(binary, folder, options):
    filler = Filler(binary, folder, options)
    try:
        accounts(filler, options.users)
        vals(filler, options.users, options.vals)
        records(filler, options)
    finally:
        filler.town.end()


def told(what, done, of):
    print(f"{time.strftime('%H:%M:%S')} {what}: {done:,} of {of:,}", file=sys.stderr)


def accounts(filler, count):
    sql = f"""{COUNTING} INSERT INTO account (id, username, role, created_at)
      SELECT {sql_id("i", 1)}, 'author' || i, 'member', :now - i * 1000 FROM n"""
    filler.run([sql], {"from": 0, "to": count, "now": now()})
    told("accounts", count, count)


def now():
    return int(time.time() * 1000)


def vocabulary(randomness):
    """Words and how often each is: the n-th most frequent one n times as rarely as the first."""
    syllables = [a + b for a in "bdfgklmnprstvz" for b in "aeiou"]
    words = {"".join(randomness.choices(syllables, k=randomness.randint(2, 4))) for _ in range(WORDS * 2)}
    words = sorted(words)[:WORDS]
    randomness.shuffle(words)
    return words, [1 / (rank + 10) for rank in range(len(words))]


def code_of(number, words):
    lines = ["\n".join(f"// {' '.join(words[start : start + 10])}" for start in range(0, len(words), 10))]
    lines.append(f'const own = "number{number}";')
    lines.append("export default async function handler(request: Request): Promise<Response> {")
    lines.append("  return Response.json({ message: `I work, ${own}` });\n}\n")
    return "\n".join(lines)


VAL_ROWS = "FROM (SELECT value ->> 0 AS n, value ->> 1 AS hash, value ->> 2 AS text, value ->> 3 AS size, value ->> 4 AS about FROM json_each(:rows))"


def val_statements(users):
    val, branch, file, owner = sql_id("n", 2), sql_id("n", 3), sql_id("n", 4), sql_id(f"(n % {users})", 1)
    return [
        f"""INSERT INTO val (id, owner_id, name, privacy, description, branch_id, created_at)
          SELECT {val}, {owner}, 'val' || n, CASE n % 10 WHEN 8 THEN 'unlisted' WHEN 9 THEN 'private' ELSE 'public' END, about, {branch}, :now - n * 100 {VAL_ROWS}""",
        f"INSERT INTO branch (id, val_id, name, version, created_at, updated_at) SELECT {branch}, {val}, 'main', 0, :now, :now {VAL_ROWS}",
        f"""INSERT INTO version (branch_id, number, author_id, created_at, graph, diagnostics)
          SELECT {branch}, 0, {owner}, :now, json_object('modules', json_object('./main.ts', json_array('ts', hash, 1, json('[]'), size, json('{{}}')))), '[]' {VAL_ROWS}""",
        f"""INSERT INTO version_file (branch_id, file_id, path, type, dialect, hash, size, since, updated_at)
          SELECT {branch}, {file}, 'main.ts', 'http', 'ts', hash, size, 0, :now {VAL_ROWS}""",
        f"INSERT INTO content (hash, text) SELECT hash, text {VAL_ROWS}",
        f"""INSERT INTO analysis (hash, dialect, imports, exports, isolation) SELECT hash, 'ts', '[]', '["default"]', 'shared' {VAL_ROWS}""",
        f"INSERT INTO searchable (val_id, file_id) SELECT {val}, NULL {VAL_ROWS}",
        f"INSERT INTO searchable (val_id, file_id) SELECT {val}, {file} {VAL_ROWS}",
        f"""INSERT INTO search (rowid, title, body) SELECT s.id, 'author' || (n % {users}) || ' val' || n, about {VAL_ROWS}
          CROSS JOIN searchable s ON s.val_id = {val} AND +s.file_id IS NULL""",
        f"""INSERT INTO search_name (rowid, name) SELECT s.id, 'author' || (n % {users}) || ' val' || n {VAL_ROWS}
          CROSS JOIN searchable s ON s.val_id = {val} AND +s.file_id IS NULL""",
        f"INSERT INTO search_name (rowid, name) SELECT s.id, 'main.ts' {VAL_ROWS} CROSS JOIN searchable s ON s.file_id = {file}",
        f"INSERT INTO search (rowid, title, body) SELECT s.id, 'main.ts', text {VAL_ROWS} CROSS JOIN searchable s ON s.file_id = {file}",
        f"INSERT INTO val_reference (from_id, to_id, version, from_made) SELECT {val}, :popular, 0, :now - n * 100 {VAL_ROWS} WHERE n % {POPULAR_EVERY} = 0",
    ]


def vals(filler, users, count):
    randomness = random.Random(1)
    words, weights = vocabulary(randomness)
    statements = val_statements(users)
    [[popular]] = filler.run(["SELECT id FROM val WHERE name = 'popular'"])
    given = {"now": now(), "popular": popular}
    for start in range(0, count, VALS_AT_ONCE):
        rows = []
        for number in range(start, min(count, start + VALS_AT_ONCE)):
            chosen = randomness.choices(words, weights, k=WORDS_PER_VAL)
            if number % (count // 4 or 1) == 0:
                chosen[3] = "zyzzyva"
            text = code_of(number, chosen)
            rows.append([number, hashlib.sha256(text.encode()).hexdigest(), text, len(text), " ".join(chosen[:6])])
        text = json.dumps(rows)
        filler.run(statements, {**given, "rows": text})
        told("vals", start + len(rows), count)


def records(filler, options):
    """Runs and their lines. Those of one val that come in at once lie together, as they do in truth."""
    count, users, made = options.records, options.users, options.vals
    [[probe, probe_owner]] = filler.run(["SELECT id, owner_id FROM val WHERE name = 'probe'"])
    whose = f"CASE WHEN i % {PROBED_EVERY} < 5 THEN :probe ELSE {sql_id(f'((i / 100) % {made})', 2)} END"
    owner = f"CASE WHEN i % {PROBED_EVERY} < 5 THEN :probe_owner ELSE {sql_id(f'((i / 100) % {made} % {users})', 1)} END"
    at = ":begin + CAST(:step * i AS INTEGER)"
    number = f"(i - i % {LINES_PER_RUN + 1})"
    is_run = f"i % {LINES_PER_RUN + 1} = {LINES_PER_RUN}"
    run = f"""{COUNTING} INSERT INTO run (id, val_id, owner_id, kind, type, version, path, started_at, ended_at, cpu_ms, memory_peak,
        outcome, method, url, status, request_headers, request_body, response_headers, response_body, lines_dropped, written)
      SELECT printf('%016x', {number}), {whose}, {owner}, 'fetch', 'http', 0, 'main.ts', {at}, {at} + 3, 1.5, 9000000,
        'ok', 'GET', 'http://author1--val1.localhost:8787/page?number=' || i, 200,
        '[["host","author1--val1.localhost:8787"],["user-agent","Mozilla/5.0 (X11; Linux x86_64) a browser"],["accept","text/html"]]',
        '{{"text":"","length":0,"whole":true}}', '[["content-type","application/json"]]',
        '{{"text":"{{\\"message\\":\\"I work\\"}}","length":20,"whole":true}}', 0, :written + (i - :from) * 300
      FROM n WHERE {is_run}"""
    line = f"""{COUNTING} INSERT INTO log (run, val_id, owner_id, version, path, at, level, text, written)
      SELECT printf('%016x', {number}), {whose}, {owner}, 0, 'main.ts', {at},
        CASE i % 97 WHEN 0 THEN 'error' ELSE 'log' END, 'a line of an ordinary length, of request ' || i, :written + (i - :from) * 300
      FROM n WHERE NOT ({is_run})"""
    begin = now() - 9 * DAY_MS
    step = 8 * DAY_MS / max(count, 1)
    [[written]] = filler.run(["SELECT written FROM amount WHERE id = 1"], names=["logs"])
    for start in range(0, count, RECORDS_AT_ONCE):
        end = min(count, start + RECORDS_AT_ONCE)
        args = {"from": start, "to": end, "probe": probe, "probe_owner": probe_owner, "begin": begin, "step": step, "written": written}
        written += (end - start) * 300
        filler.run([run, line], args, ["logs"])
        filler.run(["UPDATE amount SET written = :written WHERE id = 1"], {"written": written}, ["logs"])
        told("records", end, count)


# ---- What is measured -----------------------------------------------------------------------------


def seed(binary, folder, arguments):
    """A town as it is without much in it. Both begin as this."""
    town = Town(binary, folder, arguments=arguments)
    try:
        town.val("popular", "export const shared = 1;\nexport default () => new Response(String(shared));\n")
        for number in range(SEED_VALS):
            town.val(f"seed{number}", f"// zyzzyva Response handler {number}\n{HELLO}")
        host = town.val("probe", LOGGING)
        for _ in range(SEED_RUNS):
            town.connection.ask(host, "/?count=8")
        wait_for_records(town)
    finally:
        town.end()


def wait_for_records(town):
    end = time.monotonic() + 30
    while time.monotonic() < end:
        status, body, _ = get(town, f"/api/town/vals/{val_id(town, 'probe')}/runs?limit=100")
        if status == 200 and len(json.loads(body)["data"]) == 100:
            return
        time.sleep(0.1)
    raise Failed("the lines of the first runs did not come")


def get(town, path, headers=f"Authorization: Bearer {TOKEN}\r\n"):
    return town.connection.ask(town.host, path, "GET", b"", headers)


def val_id(town, name):
    return json.loads(get(town, f"/api/v2/alias/vals/{OWNER}/{name}")[1])["id"]


def sign_in(town):
    form = f"username={OWNER}&password={TOKEN}".encode()
    connection = Connection(town.port)
    connection.socket.sendall(
        f"POST /signin HTTP/1.1\r\nHost: {town.host}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(form)}\r\nConnection: close\r\n\r\n".encode() + form)
    answer = b""
    while chunk := connection.socket.recv(65536):
        answer += chunk
    connection.close()
    for line in answer.split(b"\r\n"):
        if line.lower().startswith(b"set-cookie: "):
            return line.split(b" ", 1)[1].split(b";")[0].decode()
    raise Failed("nobody could sign in")


def cases(town):
    """What is asked, by name: a function that asks it once and returns its answer."""
    probe = val_id(town, "probe")
    session = f"Cookie: {sign_in(town)}\r\n"
    probe_host = f"{OWNER}--probe.{town.host}"
    saves = iter(range(1_000_000))
    first = json.loads(get(town, f"/api/town/vals/{probe}/runs?limit=1")[1])["data"][0]["id"]

    def save():
        body = json.dumps({"content": f"// {next(saves)} {time.time()}\n{LOGGING}"}).encode()
        headers = f"Authorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\n"
        return town.connection.ask(town.host, f"/api/v2/vals/{probe}/files?path=main.ts", "PUT", body, headers)

    anybody = lambda path: lambda: get(town, path, "")
    author = lambda path: lambda: get(town, path)
    return {
        "home page, nobody": anybody("/"),
        "home page, author": lambda: get(town, "/", session),
        "val page": anybody(f"/@{OWNER}/probe"),
        "val page, of what 20,000 import": anybody(f"/@{OWNER}/popular"),
        "an author's page": anybody(f"/@{OWNER}"),
        "search: a word that is everywhere": anybody("/search?q=Response"),
        "search: two of them": anybody("/search?q=export+default"),
        "search: a part of one": anybody("/search?q=Respon"),
        "search: a rare word": anybody("/search?q=zyzzyva"),
        "search: a name": anybody("/search?q=seed7"),
        "list of vals": author("/api/v2/vals"),
        "list of accounts": author("/api/town/users"),
        "towns inside": author("/api/town/instances"),
        "schedules": author("/api/town/schedules"),
        "save": save,
        "HTTP run, warm": lambda: town.connection.ask(probe_host, "/"),
        "logs page": lambda: get(town, f"/@{OWNER}/probe/logs", session),
        "lines of a val": author(f"/api/town/vals/{probe}/logs"),
        "lines of a val with a text": author(f"/api/town/vals/{probe}/logs?search=ordinary"),
        "runs of a val": author(f"/api/town/vals/{probe}/runs"),
        "a run": author(f"/api/town/vals/{probe}/runs/{first}"),
        "runs of an author": author("/api/town/runs"),
        "telemetry: traces": author("/api/v1/telemetry/traces"),
        "telemetry: logs": author("/api/v1/telemetry/logs"),
        "telemetry: logs of a trace": author(f"/api/v1/telemetry/logs?trace_ids=0000000000000000{first}"),
    }


def measure(small, large, rounds, only):
    asked = [cases(town) for town in (small, large)]
    rows = []
    for name in asked[0]:
        if only and not any(part in name for part in only):
            continue
        samples = ([], [])
        for turn in range(rounds + 5):
            for which in (0, 1):
                start = time.perf_counter()
                status, body, _ = asked[which][name]()
                took = (time.perf_counter() - start) * 1000
                if status != 200:
                    raise Failed(f"{name} answered {status}: {body[:300]!r}")
                if turn >= 5:
                    samples[which].append(took)
        few, many = (median(part) for part in samples)
        slow = sorted(samples[1])[int(rounds * 0.95)]
        rows.append((name, few, many, slow))
        print(f"{name}: {few:.2f} ms, {many:.2f} ms: {many / few:.2f} times", file=sys.stderr)
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=os.path.join(ROOT, "target/release/town"), help="the town to measure")
    parser.add_argument("--users", type=int, default=10_000)
    parser.add_argument("--vals", type=int, default=100_000)
    parser.add_argument("--records", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--only", metavar="PART", action="append", help="measure only what has this in its name (may be repeated)")
    parser.add_argument("--bootstrap-vals", metavar="DIR", help="measure the platform in a folder in the place of the image")
    parser.add_argument("--cache", metavar="DIR", help="where compiled code is kept, for a machine that is busy")
    parser.add_argument("--folder", help="a folder to fill and keep; one that was filled before is measured again")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="town-scale-") as temporary:
        folder = options.folder or temporary
        if shutil.disk_usage(os.path.dirname(os.path.abspath(folder))).free < DISK_BYTES:
            sys.exit(f"{folder} has less than {DISK_BYTES >> 30} GiB free")
        small, large = (os.path.join(folder, name) for name in ("small", "large"))
        if not os.path.exists(os.path.join(large, "filled")):
            os.makedirs(small)
            seed(options.binary, small, platform(options))
            shutil.copytree(small, large)
            begin = time.monotonic()
            fill(options.binary, large, options)
            open(os.path.join(large, "filled"), "w").close()
            print(f"filled in {time.monotonic() - begin:.0f} s", file=sys.stderr)
        compare(options, small, large)


def platform(options):
    image = ("--bootstrap-vals", options.bootstrap_vals) if options.bootstrap_vals else ()
    return (*image, "--cache", options.cache) if options.cache else image


def compare(options, small, large):
    header = machine()
    towns = []
    try:
        towns = [Town(options.binary, folder, arguments=platform(options)) for folder in (small, large)]
        rows = measure(*towns, options.rounds, options.only)
        usage = json.loads(get(towns[1], "/api/town/usage")[1])["storageBytes"]
    finally:
        for town in towns:
            town.end()
    print(f"{header}; medians of {options.rounds}, over HTTP on loopback, in turn.\n")
    print(f"{options.users:,} authors, {options.vals:,} vals, {options.records:,} records: {usage / (1 << 30):.1f} GiB.\n")
    print("| what | 42 vals | all of them | times as long | 95th percentile |\n|---|---|---|---|---|")
    for name, few, many, slow in rows:
        print(f"| {name} | {milliseconds(few)} | {milliseconds(many)} | {many / few:.2f} | {milliseconds(slow)} |")
    over = [name for name, few, many, _ in rows if many > few * TIMES_MAX]
    if over:
        sys.exit(f"more than {TIMES_MAX:.0f} times as long: {', '.join(over)}")


if __name__ == "__main__":
    main()
