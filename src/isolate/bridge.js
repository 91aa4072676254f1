// Between the kernel and a program: makes the objects of `town:kernel`, and turns frames into calls of
// the program's exports. It runs before any program and keeps what it needs, so no program can reach in.
(native, web, Deno) => {
  const { freeze, defineProperty } = Object;
  const PromiseOf = Promise;
  const settled = (value) => PromiseOf.resolve(value);
  const { isArray } = Array;
  const { parse } = JSON;
  const { keys } = Object;
  const { apply } = Reflect;
  const thenOf = PromiseOf.prototype.then;
  const after = (promise, done, failed) => apply(thenOf, promise, [done, failed]);

  // ---- Bodies ----------------------------------------------------------------------------------

  const sourceOf = (stream) => ({
    stream,
    pull: () => native.pull(stream),
    cancel: () => native.cancelSource(stream),
  });
  const bodyIn = (body) => (typeof body === "number" ? sourceOf(body) : body);

  // What leaves: null, bytes, a kernel stream to join (a number), or a stream of ours (`[number]`).
  const sinks = new Map();
  function bodyOut(body) {
    if (body === null || body instanceof Uint8Array) return body;
    if (body.source === undefined) return openSink(body.reader, body.length);
    const { source } = body;
    if (source.stream !== undefined && native.untouched(source.stream)) return source.stream;
    return openSink({ read: () => source.pull(), cancel: (reason) => source.cancel(reason) });
  }
  // The second item settles when the body has been sent, or nobody wants it any more; the third is its length.
  function openSink(reader, length) {
    const stream = native.openSink();
    sinks.set(stream, { reader, run: native.run() });
    return [stream, pump(stream, reader), length];
  }
  const PIECE_BYTES = 64 * 1024;
  const { subarray } = Uint8Array.prototype;
  // Bytes as a stream of one chunk, with its length.
  function streamed(bytes) {
    let left = bytes;
    const take = () => {
      const chunk = left;
      left = undefined;
      return settled(chunk);
    };
    return { reader: { read: take, cancel: take }, length: bytes.length };
  }
  const INLINE_BYTES_MAX = 1024 * 1024;
  const isLarge = (body) => body instanceof Uint8Array && body.length > INLINE_BYTES_MAX;
  async function pump(stream, reader) {
    try {
      for (;;) {
        const chunk = await reader.read();
        if (chunk === undefined) break;
        // Piece by piece: what nobody reads must not wait in the kernel.
        for (let from = 0; from < chunk.length; from += PIECE_BYTES) {
          const piece = chunk.length <= PIECE_BYTES ? chunk : apply(subarray, chunk, [from, from + PIECE_BYTES]);
          const room = native.write(stream, piece);
          if (room !== undefined && !(await room)) return;
        }
      }
      native.closeSink(stream);
    } catch (error) {
      native.closeSink(stream, error);
      logError(error, "The body failed:");
    } finally {
      sinks.delete(stream);
    }
  }

  // ---- Storage ---------------------------------------------------------------------------------

  let namesOf;
  class Storage {
    #names;
    constructor(names) {
      this.#names = names;
      freeze(this);
    }
    static {
      namesOf = (storage) => storage.#names;
    }
    execute(statement) {
      return asking(() => native.execute(this.#names, statement));
    }
    batch(statements, mode) {
      return asking(() => native.batch(this.#names, statements, mode));
    }
    sub(name) {
      return new Storage([...this.#names, String(name)]);
    }
    subs(prefix) {
      return asking(() => native.subs(this.#names, prefix));
    }
    drop(name) {
      return asking(() => native.drop(this.#names, name));
    }
    get revision() {
      return native.revision(this.#names);
    }
    changed(after) {
      return asking(() => native.changed(this.#names, after));
    }
    usage() {
      return asking(() => native.usage(this.#names));
    }
    setAlarm(at) {
      return asking(() => native.setAlarm(this.#names, at));
    }
    export(note) {
      return after(asking(() => native.export(this.#names, note)), respond);
    }
    import(name, archive) {
      return asking(() => {
        const { body } = web.isRequest(archive) ? web.readRequest(archive) : web.readResponse(archive) ?? notAnArchive();
        return native.import(this.#names, name, bodyOut(body));
      });
    }
    copy(name, from, selection = {}) {
      return asking(() => native.copy(this.#names, name, namesOf(from), selection));
    }
  }
  const notAnArchive = () => {
    throw new TypeError("An archive is the body of a Request or a Response");
  };
  // Wrong arguments reject, as everything else does.
  function asking(call) {
    try {
      return call();
    } catch (error) {
      return PromiseOf.reject(error);
    }
  }

  // ---- Loader ----------------------------------------------------------------------------------

  const resolvers = [];
  // The program as the kernel takes it: storage by its names, `resolve` by a number.
  function spec(program) {
    if (program === null || typeof program !== "object") throw new TypeError("A program is an object with `main` and `modules`");
    const { main, modules, env, loader, outbound, limits, isolation, storage, mounts, resolve, recordId, repairs } = program;
    return {
      main, modules, env, loader, outbound, limits, isolation, recordId, repairs,
      storage: storage === undefined ? undefined : namesOf(storage),
      mounts: mounts === undefined ? undefined : flat(mounts, namesOf),
      resolve: resolve === undefined ? undefined : resolvers.push(resolve) - 1,
    };
  }

  const RequestOf = Request;
  // Its headers are the caller's to change: it is a copy of what the other program said.
  const respond = (head) => {
    head.body = bodyIn(head.body);
    return web.makeResponse(head, true);
  };
  function flat(record, read = (value) => value) {
    const list = [];
    const names = keys(record);
    for (let i = 0; i < names.length; i++) list.push(names[i], read(record[names[i]]));
    return list;
  }

  // Whoever wraps a handler goes on being asked: routes are for the program's own handler to decide.
  function decided(forward) {
    const route = forward?.route;
    if (route === undefined || route.by === program?.default) return forward;
    const { request, response } = forward;
    return { request, response };
  }

  class Isolate {
    #id;
    #program;
    constructor(id, program) {
      this.#id = id;
      this.#program = program;
      freeze(this);
    }
    // Asks by id first; the program is only made where none lives.
    #ask(call, answered) {
      if (this.#id === null) return after(after(settled(this.#program), (program) => call([2, null, spec(program)])), answered);
      return after(call([0, this.#id]), (answer) => {
        if (answer !== undefined) return answered(answer);
        const made = async () => answered(await call([1, this.#id, spec(await this.#program())]));
        return made();
      });
    }
    // `(request)`, or `(url, request, forward)`: as if it had gone there.
    fetch(input, init, forward) {
      try {
        const elsewhere = typeof input === "string" && web.isRequest(init);
        const request = elsewhere ? init : web.isRequest(input) ? input : new RequestOf(input, init);
        const { method, url, headers, body } = web.readRequest(request);
        const out = bodyOut(body);
        const to = elsewhere ? input : url;
        const how = elsewhere ? decided(forward) : undefined;
        return this.#ask((target) => native.isolateFetch(target, method, to, headers, out, how), respond);
      } catch (error) {
        return PromiseOf.reject(error);
      }
    }
    async call(name, args) {
      return this.#ask((target) => native.isolateCall(target, name, args), (answer) => answer[0]);
    }
    async alarm(event) {
      await this.#ask((target) => native.isolateAlarm(target, event.names, event.scheduledAt, event.retries), () => undefined);
    }
    cancel(reason) {
      if (this.#id === null) return settled();
      return asking(() => native.isolateCancel(this.#id, reason));
    }
    async prepare() {
      if (this.#id !== null) await this.#ask((target) => native.isolatePrepare(target), () => undefined);
    }
    usage() {
      if (this.#id === null) return settled({ isolates: 0, runs: 0, cpuMs: 0 });
      return asking(() => native.isolateUsage(this.#id));
    }
  }

  const loader = freeze({
    get(id, program) {
      if (typeof program !== "function") throw new TypeError("loader.get takes an id and a function that makes the program");
      return new Isolate(String(id), program);
    },
    load: (program) => new Isolate(null, program),
    compile: (source, options) => asking(() => native.compile(source, options)),
  });

  const system = freeze({
    list: () => asking(() => native.systemList()),
    read: (path) => asking(() => native.systemRead(path)),
    write: (path, source, note) => asking(() => native.systemWrite(path, source, note)),
    restore: (path, note) => asking(() => native.systemRestore(path, note)),
    change: (changes, how) => asking(() => native.systemChange(changes, how?.note, how?.reload)),
    history: (wish) => asking(() => native.systemHistory(wish?.path, wish?.before, wish?.limit)),
    text: (digest) => asking(() => native.systemText(digest)),
    reload: () => asking(() => native.systemReload()),
    health: () => asking(() => native.systemHealth()),
  });

  // ---- Fetch, console --------------------------------------------------------------------------

  web.host = {
    async fetch({ method, url, headers, body, redirect, signal }) {
      const asked = native.fetch(method, url, headers, bodyOut(body), redirect);
      const head = await (signal ? PromiseOf.race([asked, aborted(signal)]) : asked);
      head.body = bodyIn(head.body);
      return head;
    },
    uncaught(error) {
      logError(error);
    },
    renew: () => native.renew(),
  };
  const aborted = (signal) =>
    new PromiseOf((_, reject) => {
      if (signal.aborted) reject(signal.reason);
      else signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
  web.log = (level, text) => native.line(level, text);
  const logError = (error, what = "Uncaught") => native.line("error", `${what} ${native.describe(error)}`);

  // ---- Runs ------------------------------------------------------------------------------------

  let program = null; // The main module's namespace.
  let env = freeze({});
  const runs = new Map(); // Run to its request and the promises that keep it, while it is served.

  function waitUntil(promise, run = native.run()) {
    const served = runs.get(run);
    if (served === undefined) return;
    served.waiting.push(after(settled(promise), undefined, (error) => logError(error)));
  }
  function exported(name) {
    const main = program.default;
    if (typeof program[name] === "function") return program[name];
    if (main !== null && (typeof main === "object" || typeof main === "function") && typeof main[name] === "function") {
      return (...args) => main[name](...args);
    }
    return undefined;
  }
  // A run ends when its body has been sent and what it waits for has settled.
  function finish(run) {
    const waiting = runs.get(run)?.waiting;
    if (waiting?.length > 0) {
      after(waiting.pop(), () => finish(run));
      return;
    }
    runs.delete(run);
    native.done(run);
  }

  const answer = (run, result) => {
    let read;
    try {
      read = web.readResponse(result);
    } catch (error) {
      return refuse(run, error);
    }
    if (read === null) {
      return refuse(run, new TypeError(`The handler returned ${describe(result)} and not a Response`));
    }
    let body;
    try {
      if (read.socket !== null) read.body = socketOut(run, read.socket);
      body = bodyOut(isLarge(read.body) ? streamed(read.body) : read.body);
    } catch (error) {
      return refuse(run, error);
    }
    native.respond(run, read.status, read.headers, body);
    if (isArray(body)) after(body[1], () => finish(run));
    else finish(run);
  };
  const socketOut = (run, socket) => {
    const source = web.upgradeOf(runs.get(run).request);
    if (source === null) throw new TypeError("The handler returned a WebSocket that the request does not ask for");
    return web.sendSocket(socket, source);
  };
  const refuse = (run, error) => {
    native.fail(run, error);
    finish(run);
  };
  function describe(value) {
    if (value === null || value === undefined) return String(value);
    if (typeof value === "object") return "an object";
    return `a ${typeof value}`;
  }

  const waitUntilHere = (promise) => waitUntil(promise);
  return {
    // What a program may hand to modules without authority: frozen, so that they change it for nobody else.
    shared: [Storage, Isolate, loader, system, waitUntilHere],
    // The exports of `town:kernel`, with authority and without.
    kernel: (grant) =>
      grant
        ? {
            storage: grant.storage ? new Storage([]) : undefined,
            loader: grant.loader ? loader : undefined,
            env,
            system: grant.storage ? system : undefined,
          }
        : { storage: undefined, loader: undefined, env: Deno.noEnv, system: undefined },
    // Those globals that depend on authority, with it and without.
    globals: (authority) => (authority ? Deno.full : Deno.none),
    waitUntil: waitUntilHere,
    setEnv(given) {
      env = freeze(given);
      Deno.setEnv(given);
    },
    loaded(namespace) {
      program = namespace;
      const served = Deno?.served();
      if (program.default === undefined && served !== undefined) {
        program = { __proto__: null, ...namespace, default: served };
      }
      const main = program.default;
      return [
        typeof main === "function" || typeof main?.fetch === "function",
        exported("alarm") !== undefined,
        exported("tail") !== undefined,
      ];
    },
    // With a failure: what became of the request on its route, of which the program has yet to speak.
    fetch(run, method, url, headers, body, failure) {
      native.enter(run);
      const request = web.makeRequest({ method, url, headers, body: bodyIn(body) });
      runs.set(run, { request, waiting: [] });
      let result;
      try {
        const main = program.default;
        if (failure !== undefined) {
          const failed = exported("failed");
          if (failed === undefined) throw failure;
          result = failed(request, failure);
        } else if (typeof main === "function") result = main(request);
        else if (typeof main?.fetch === "function") {
          const ctx = { waitUntil: (promise) => waitUntil(promise, run), passThroughOnException() {} };
          result = main.fetch(request, env, ctx);
        } else {
          throw new TypeError("The program has no handler: export default a function that takes a Request, or an object with fetch");
        }
      } catch (error) {
        return refuse(run, error);
      }
      if (web.isResponse(result)) answer(run, result);
      else after(settled(result), (value) => answer(run, value), (error) => refuse(run, error));
    },
    call(run, name, args) {
      native.enter(run);
      runs.set(run, { request: undefined, waiting: [] });
      const task = async () => {
        const target = exported(name);
        if (target === undefined) throw new TypeError(`The program exports no function ${name}`);
        native.returned(run, await target(...args));
      };
      task().then(() => finish(run), (error) => refuse(run, error));
    },
    alarm(run, names, scheduledAt, retries) {
      return this.call(run, "alarm", [{ names, scheduledAt: new Date(scheduledAt), retries }]);
    },
    tail(run, json) {
      let events;
      const batch = {
        json,
        get events() {
          return (events ??= parse(json));
        },
      };
      return this.call(run, "tail", [batch]);
    },
    handled: (promise, reason) => web.rejectionHandled(promise, reason),
    unhandled(promise, reason) {
      if (!web.unhandledRejection(promise, reason)) logError(reason, "Uncaught (in promise)");
    },
    cancelRun(run, reason) {
      const request = runs.get(run)?.request;
      if (request !== undefined) web.abortRequest(request, new web.DOMException(reason, "AbortError"));
    },
    cancelSink(stream) {
      const sink = sinks.get(stream);
      if (sink === undefined) return;
      sinks.delete(stream);
      native.enter(sink.run);
      settled(sink.reader.cancel(new web.DOMException("The reader has gone", "AbortError"))).then(undefined, () => {});
    },
    resolve(ask, number, specifier, referrer) {
      const task = async () => native.resolved(ask, await resolvers[number](specifier, referrer));
      task().then(undefined, (error) => native.resolved(ask, String(error?.message ?? error)));
    },
  };
};
