// What test files import as "vitest": its own matchers and spies, over a runner of the tests of one file.

import * as chai from "chai";
import { ASYMMETRIC_MATCHERS_OBJECT, JestAsymmetricMatchers, JestChaiExpect, JestExtend, getState, setState } from "@vitest/expect";
import { format, plugins } from "@vitest/pretty-format";
import * as spies from "@vitest/spy";

// A test that awaits what never happens is a failed one.
const TEST_MS = 5_000;
const MESSAGE_LENGTH_MAX = 400;

chai.use(JestExtend);
chai.use(JestChaiExpect);
chai.use(InlineSnapshots);
chai.use(JestAsymmetricMatchers);

export const expect = Object.assign((value, message) => {
  setState({ assertionCalls: getState(expect).assertionCalls + 1 }, expect);
  return chai.expect(value, message);
}, chai.expect, globalThis[ASYMMETRIC_MATCHERS_OBJECT]);
Object.assign(expect, {
  getState: () => getState(expect),
  setState: (state) => setState(state, expect),
  extend: (matchers) => chai.expect.extend(expect, matchers),
  soft: expect,
  unreachable: (message) => { throw new chai.AssertionError(message ?? "reached what should not be reached"); },
  assertions: (count) => setState({ expectedAssertionsNumber: count }, expect),
  hasAssertions: () => setState({ isExpectingAssertions: true }, expect),
});
setState({ assertionCalls: 0, isExpectingAssertions: false, expectedAssertionsNumber: null }, expect);
export const { assert } = chai;

/** Snapshots in the text of the test: equal but for indentation. */
function InlineSnapshots({ Assertion, AssertionError }, utils) {
  const compare = (value, snapshot, message) => {
    const seen = unindented(written(value)), wanted = unindented(snapshot ?? "");
    if (seen !== wanted) throw new AssertionError(message ?? `snapshot: got ${seen}, wanted ${wanted}`, { actual: seen, expected: wanted });
  };
  utils.addMethod(Assertion.prototype, "toMatchInlineSnapshot", function (properties, snapshot, message) {
    if (typeof properties === "string") [snapshot, message] = [properties, snapshot];
    compare(utils.flag(this, "object"), snapshot, message);
  });
  utils.addMethod(Assertion.prototype, "toThrowErrorMatchingInlineSnapshot", function (snapshot, message) {
    const object = utils.flag(this, "object");
    if (utils.flag(this, "promise") || typeof object !== "function") return compare(object, snapshot, message);
    try {
      object();
    } catch (error) {
      return compare(error, snapshot, message);
    }
    throw new AssertionError("did not throw");
  });
}

function written(value) {
  const { ReactTestComponent, ReactElement, DOMElement, DOMCollection, Immutable, AsymmetricMatcher } = plugins;
  return format(value, {
    escapeRegex: true, indent: 2, printFunctionName: false, escapeString: false, printBasicPrototype: false,
    plugins: [ReactTestComponent, ReactElement, DOMElement, DOMCollection, Immutable, AsymmetricMatcher],
  }).replace(/\r\n?/g, "\n");
}

// The lines of a snapshot without what the test file indents them by.
function unindented(text) {
  const lines = text.replace(/^\s*\n/, "").replace(/\n[ \t]*$/, "").split("\n");
  const filled = lines.filter((line) => line.trim());
  const indent = Math.min(...filled.map((line) => line.length - line.trimStart().length), Infinity);
  return lines.map((line) => line.slice(Number.isFinite(indent) ? indent : 0)).join("\n").trim();
}

// ---- Tests are collected once the file has been evaluated, and run when it is asked for.
const root = group("", undefined);
let current = root;

function group(name, parent) {
  return { name, suite: parent?.parent && parent, parent, children: [], beforeAll: [], afterAll: [], beforeEach: [], afterEach: [], skip: parent?.skip ?? false };
}

function addGroup(name, body, skip) {
  const made = group(String(name?.name ?? name), current);
  made.skip ||= skip;
  made.body = body;
  current.children.push(made);
}

async function collect(of) {
  current = of;
  await of.body?.();
  for (const child of of.children) if (child.children) await collect(child);
}

function addTest(name, options, body, mode = {}) {
  if (typeof options === "function") [options, body] = [typeof body === "object" ? body : {}, options];
  current.children.push({ name: String(name?.name ?? name), body, ...options, ...mode, parent: current, suite: current.parent && current });
}

// `each` of a test or a group: names with the values in the places of %s and $key.
const each = (add) => (table, ...values) => {
  const rows = Array.isArray(table) && !table.raw ? table : templateRows(table, values);
  return (name, options, body) => {
    if (typeof options === "function") [options, body] = [{}, options];
    rows.forEach((row, index) => {
      const list = Array.isArray(row) ? row : [row];
      add(named(String(name), list, row, index), options, (...rest) => body(...list, ...rest));
    });
  };
};

function templateRows(strings, values) {
  const keys = strings[0].trim().split("|").map((key) => key.trim());
  const rows = [];
  for (let at = 0; at < values.length; at += keys.length) rows.push(Object.fromEntries(keys.map((key, index) => [key, values[at + index]])));
  return rows;
}

function named(name, list, row, index) {
  let next = 0;
  return name.replace(/%[sdifjo#%]|\$([\w.]+)/g, (found, path) => {
    if (found === "%%") return "%";
    if (found === "%#") return index;
    if (path) return String(path.split(".").reduce((value, key) => value?.[key], row));
    const value = list[next++];
    return typeof value === "object" ? JSON.stringify(value) : String(value);
  });
}

function variants(add) {
  const made = (...args) => add({}, ...args);
  const skipped = (...args) => add({ skip: true }, ...args);
  return Object.assign(made, {
    skip: Object.assign(skipped, { each: each(skipped) }), todo: skipped, only: made, concurrent: made, sequential: made,
    fails: (...args) => add({ fails: true }, ...args), each: each(made), for: each(made),
    skipIf: (condition) => condition ? skipped : made, runIf: (condition) => condition ? made : skipped,
  });
}
export const test = variants((mode, name, options, body) => addTest(name, options, body, mode));
export const it = test;
export const describe = variants(({ skip }, name, options, body) => addGroup(name, typeof options === "function" ? options : body, skip ?? false));
export const suite = describe;
export const beforeAll = (hook) => void current.beforeAll.push(hook);
export const afterAll = (hook) => void current.afterAll.push(hook);
export const beforeEach = (hook) => void current.beforeEach.push(hook);
export const afterEach = (hook) => void current.afterEach.push(hook);

const replaced = new Map();
export const vi = {
  fn: spies.fn, spyOn: spies.spyOn, mocked: (value) => value, hoisted: (make) => make(), isMockFunction: spies.isMockFunction,
  clearAllMocks: spies.clearAllMocks, resetAllMocks: spies.resetAllMocks, restoreAllMocks: spies.restoreAllMocks,
  stubGlobal(name, value) {
    if (!replaced.has(name)) replaced.set(name, Object.getOwnPropertyDescriptor(globalThis, name));
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: true });
  },
  unstubAllGlobals() {
    for (const [name, was] of replaced) was ? Object.defineProperty(globalThis, name, was) : delete globalThis[name];
    replaced.clear();
  },
  async waitFor(check) {
    for (const end = Date.now() + 1_000; ; ) {
      try {
        return await check();
      } catch (error) {
        if (Date.now() > end) throw error;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }
  },
};
for (const name of ["useFakeTimers", "useRealTimers", "setSystemTime", "advanceTimersByTime", "advanceTimersByTimeAsync", "mock", "doMock", "resetModules", "stubEnv"]) {
  vi[name] = () => { throw new Error(`vi.${name} is not in this runner`); };
}
// Tests call these in `afterEach` whether or not there was anything to undo.
vi.useRealTimers = vi.unstubAllEnvs = () => {};
export const vitest = vi;

// What only the type checker looks at.
const anything = new Proxy(() => anything, { get: (_, name) => name === "then" ? undefined : anything, apply: () => anything });
export const expectTypeOf = () => anything;
export const assertType = () => {};

/** Runs what the file has registered. */
export async function run() {
  const results = [];
  await collect(root);
  await runGroup(root, [], results);
  return { tests: results };
}

async function runGroup(of, path, results) {
  const told = (name, error) => results.push({ name: [...path, name].join(" > "), status: "fail", message: said(error) });
  try {
    if (!of.skip) for (const hook of of.beforeAll) await hook({});
  } catch (error) {
    return told("beforeAll", error);
  }
  for (const child of of.children) {
    if (child.children) await runGroup(child, [...path, child.name], results);
    else results.push({ name: [...path, child.name].join(" > "), ...await runTest(child) });
  }
  try {
    if (!of.skip) for (const hook of of.afterAll) await hook({});
  } catch (error) {
    told("afterAll", error);
  }
}

async function runTest(of) {
  if (of.skip || of.parent.skip || !of.body) return { status: "skip" };
  const groups = [];
  for (let at = of.parent; at; at = at.parent) groups.unshift(at);
  setState({ assertionCalls: 0, isExpectingAssertions: false, expectedAssertionsNumber: null, testPath: "", currentTestName: of.name }, expect);
  let failed, skipped = false;
  const finished = [];
  const context = { expect, task: of, skip: () => { skipped = true; throw new Error("skipped"); }, onTestFinished: (hook) => finished.push(hook) };
  try {
    for (const each of groups) for (const hook of each.beforeEach) await hook(context);
    await within(of.body(context));
    const { assertionCalls, isExpectingAssertions, expectedAssertionsNumber } = getState(expect);
    if (expectedAssertionsNumber != null && expectedAssertionsNumber !== assertionCalls) throw new Error(`${assertionCalls} assertions, not ${expectedAssertionsNumber}`);
    if (isExpectingAssertions && !assertionCalls) throw new Error("no assertion");
  } catch (error) {
    failed = error ?? new Error("nothing was thrown");
  }
  try {
    for (const each of groups.toReversed()) for (const hook of each.afterEach) await hook(context);
    for (const hook of finished) await hook(context);
  } catch (error) {
    failed ??= error;
  }
  if (skipped) return { status: "skip" };
  if (of.fails) return failed ? { status: "pass" } : { status: "fail", message: "was to fail" };
  return failed ? { status: "fail", message: said(failed) } : { status: "pass" };
}

async function within(promise) {
  if (typeof promise?.then !== "function") return promise;
  let timer;
  const late = new Promise((_, reject) => timer = setTimeout(() => reject(new Error(`took more than ${TEST_MS} ms`)), TEST_MS));
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

const said = (error) => String(error?.message ?? error).slice(0, MESSAGE_LENGTH_MAX);
