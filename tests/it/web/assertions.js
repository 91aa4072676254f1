// What the scripts of the tests use: assertions, small tools, and what the bridge to the kernel
// supplies otherwise. Programs never see `web`; tests look inside.
(web) => {
  const lines = [];
  const uncaught = [];
  web.log = (level, text) => lines.push([level, text]);
  web.host = {
    fetch: () => Promise.reject(new TypeError("no network")),
    uncaught: (error) => uncaught.push(error),
  };

  // The script of a test that has made no check fails.
  globalThis.checks = 0;
  const fail = (message) => {
    throw new Error(message);
  };

  // Values as `equal` compares them: a list of bytes differs from a list of numbers.
  const show = (value) => {
    if (typeof value === "string") return JSON.stringify(value);
    if (value instanceof Uint8Array) return `Uint8Array(${[...value]})`;
    if (value instanceof Error) return `${value}`;
    if (typeof value === "object" && value !== null) {
      return JSON.stringify(value, (_, member) => (member === undefined ? "<undefined>" : member));
    }
    return `${value}`;
  };
  const equal = (got, wanted, what = "") => {
    checks++;
    const a = show(got), b = show(wanted);
    if (a !== b) fail(`${what} got ${a}, wanted ${b}`);
  };
  const ok = (value, what = "a true value") => {
    checks++;
    if (!value) fail(`wanted ${what}`);
  };

  // Values as `same` compares them: exact kinds of numbers, and bytes are a list of numbers.
  const exact = (value) => {
    if (typeof value === "string") return JSON.stringify(value);
    if (typeof value === "bigint") return `${value}n`;
    if (typeof value === "symbol") return String(value);
    if (Object.is(value, -0)) return "-0";
    if (value instanceof Uint8Array || Array.isArray(value)) {
      return "[" + Array.prototype.map.call(Array.from(value), exact).join(", ") + "]";
    }
    if (typeof value === "object" && value !== null && !(value instanceof Error)) return JSON.stringify(value);
    return String(value);
  };
  const same = (actual, expected) => {
    checks++;
    const alike = typeof expected === "object" && expected !== null
      ? exact(actual) === exact(expected)
      : Object.is(actual, expected);
    if (!alike) fail(`${exact(actual)} is not ${exact(expected)}`);
  };

  // An error is of its name, and those of the platform are DOMExceptions.
  const isNamed = (error, name) => {
    if (error?.name !== name) fail(`${error?.name ?? error}: ${error?.message}, not ${name}`);
    const language = ["TypeError", "RangeError", "SyntaxError", "Error"].includes(name);
    if (!language && !(error instanceof DOMException)) fail(`${name} is no DOMException`);
    return error;
  };
  const throws = (name, action) => {
    checks++;
    let result;
    try {
      result = action();
    } catch (error) {
      return isNamed(error, name);
    }
    fail(`${action} gave ${exact(result)} instead of throwing ${name}`);
  };
  // A reason that is no error is compared itself.
  const rejects = async (name, promise) => {
    checks++;
    let result;
    try {
      result = await promise;
    } catch (error) {
      return error === name ? error : isNamed(error, name);
    }
    fail(`gave ${exact(result)} instead of rejecting with ${name}`);
  };

  const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const bytes = (text) => web.encodeUtf8(text);
  // The chunks of a stream, bytes as text.
  const all = async (stream) => {
    const chunks = [];
    for await (const chunk of stream) chunks.push(chunk instanceof Uint8Array ? web.decodeUtf8(chunk) : chunk);
    return chunks;
  };
  // A body as the kernel gives it.
  const source = (...chunks) => ({
    pulls: 0,
    canceled: null,
    async pull() {
      this.pulls++;
      const chunk = chunks.shift();
      if (chunk instanceof Error) throw chunk;
      return typeof chunk === "string" ? bytes(chunk) : chunk;
    },
    cancel(reason) {
      this.canceled = { reason };
    },
  });
  Object.assign(globalThis, { web, lines, uncaught, equal, ok, same, throws, rejects, sleep, bytes, all, source });
};
