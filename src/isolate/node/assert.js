// node:assert and node:assert/strict.
(native, web, require) => {
  "use strict";
  const { isDeepEqual, isDeepStrictEqual } = require("internal/equal");
  const { inspect } = require("util");
  const { fail, wrongType, needFunction } = require("internal/errors");

  class AssertionError extends Error {
    constructor({ message, actual, expected, operator }) {
      super(message ?? `${inspect(actual)} ${operator} ${inspect(expected)}`);
      this.name = "AssertionError";
      this.code = "ERR_ASSERTION";
      this.generatedMessage = message === undefined;
      this.actual = actual;
      this.expected = expected;
      this.operator = operator;
    }
  }
  function raise(actual, expected, message, operator, generated) {
    if (message instanceof Error) throw message;
    const error = new AssertionError({ message: message ?? generated, actual, expected, operator });
    error.generatedMessage = message === undefined && operator !== "ifError";
    throw error;
  }
  const differ = (actual, expected, what) => `${what}\n+ actual - expected\n\n+ ${inspect(actual)}\n- ${inspect(expected)}\n`;
  function ok(value, message) {
    if (arguments.length === 0) raise(value, true, "No value argument passed to `assert.ok()`", "==");
    if (!value) raise(value, true, message, "==", `The expression evaluated to a falsy value: ${inspect(value)}`);
  }
  const assert = (value, message) => ok(value, message);
  const comparison = (operator, test, what) => (actual, expected, message) => {
    if (!test(actual, expected)) raise(actual, expected, message, operator, differ(actual, expected, what));
  };
  const same = "Expected values to be strictly equal:";
  const deeply = "Expected values to be strictly deep-equal:";
  Object.assign(assert, {
    ok, AssertionError,
    equal: comparison("==", (a, b) => a == b || (a !== a && b !== b), "Expected values to be loosely equal:"),
    notEqual: comparison("!=", (a, b) => a != b && !(a !== a && b !== b), 'Expected "actual" to be loosely unequal to:'),
    strictEqual: comparison("strictEqual", Object.is, same),
    notStrictEqual: comparison("notStrictEqual", (a, b) => !Object.is(a, b), 'Expected "actual" to be strictly unequal to:'),
    deepEqual: comparison("deepEqual", isDeepEqual, "Expected values to be loosely deep-equal:"),
    notDeepEqual: comparison("notDeepEqual", (a, b) => !isDeepEqual(a, b), 'Expected "actual" not to be loosely deep-equal to:'),
    deepStrictEqual: comparison("deepStrictEqual", isDeepStrictEqual, deeply),
    notDeepStrictEqual: comparison("notDeepStrictEqual", (a, b) => !isDeepStrictEqual(a, b), 'Expected "actual" not to be strictly deep-equal to:'),
    fail(message = "Failed") {
      raise(undefined, undefined, message, "fail");
    },
    ifError(value) {
      if (value !== null && value !== undefined) {
        raise(value, null, undefined, "ifError", `ifError got unwanted exception: ${value?.message ?? inspect(value)}`);
      }
    },
    match(text, pattern, message) {
      if (typeof text !== "string" || !pattern.test(text)) raise(text, pattern, message, "match", `The input did not match the regular expression ${pattern}. Input: ${inspect(text)}`);
    },
    doesNotMatch(text, pattern, message) {
      if (typeof text === "string" && pattern.test(text)) raise(text, pattern, message, "doesNotMatch", `The input was expected to not match the regular expression ${pattern}. Input: ${inspect(text)}`);
    },
    throws(action, expected, message) {
      needFunction(action, "fn");
      let caught;
      try {
        action();
      } catch (error) {
        caught = { error };
      }
      expectThrown("throws", caught, expected, message, "exception");
    },
    doesNotThrow(action, expected, message) {
      try {
        action();
      } catch (error) {
        unwanted("doesNotThrow", error, typeof expected === "string" ? expected : message, "exception");
      }
    },
    async rejects(action, expected, message) {
      let caught;
      try {
        await promised(action);
      } catch (error) {
        if (error?.code === "ERR_INVALID_RETURN_VALUE") throw error;
        caught = { error };
      }
      expectThrown("rejects", caught, expected, message, "rejection");
    },
    async doesNotReject(action, expected, message) {
      try {
        await promised(action);
      } catch (error) {
        unwanted("doesNotReject", error, typeof expected === "string" ? expected : message, "rejection");
      }
    },
  });
  function promised(action) {
    const result = typeof action === "function" ? action() : action;
    if (typeof result?.then !== "function") throw fail(TypeError, "ERR_INVALID_RETURN_VALUE", "Expected instance of Promise to be returned");
    return result;
  }
  function unwanted(operator, error, message, what) {
    raise(error, undefined, undefined, operator, `Got unwanted ${what}${message ? `: ${message}` : "."}\nActual message: "${error?.message}"`);
  }
  function expectThrown(operator, caught, expected, message, what) {
    if (typeof expected === "string") {
      message = expected;
      expected = undefined;
    }
    if (caught === undefined) {
      raise(undefined, expected, message instanceof Error ? message : undefined, operator, `Missing expected ${what}${expected?.name ? ` (${expected.name})` : ""}${message ? `: ${message}` : "."}`);
    }
    const { error } = caught;
    if (expected === undefined) return;
    if (expected instanceof RegExp) {
      if (!expected.test(String(error))) raise(error, expected, message, operator, `The input did not match the regular expression ${expected}. Input: ${inspect(String(error))}`);
    } else if (typeof expected === "function") {
      if (expected.prototype !== undefined && error instanceof expected) return;
      if (Object.prototype.isPrototypeOf.call(Error, expected)) throw error;
      if (expected.call({}, error) !== true) raise(error, expected, message, operator, `The validation function is expected to return "true". Received ${inspect(false)}\n\nCaught error:\n\n${error}`);
    } else if (expected !== null && typeof expected === "object") {
      const keys = Object.keys(expected);
      if (expected instanceof Error) keys.push("name", "message");
      for (const key of keys) {
        const wanted = expected[key];
        const matches = wanted instanceof RegExp && typeof error?.[key] === "string" ? wanted.test(error[key]) : isDeepStrictEqual(error?.[key], wanted);
        if (!matches) raise(error, expected, message, operator, differ(error?.[key], wanted, `${deeply} (${key})`));
      }
    } else throw wrongType("expected", "of type function or an instance of Error, RegExp, or Object", expected);
  }
  const strict = Object.assign((value, message) => ok(value, message), assert, {
    equal: assert.strictEqual, notEqual: assert.notStrictEqual, deepEqual: assert.deepStrictEqual, notDeepEqual: assert.notDeepStrictEqual,
  });
  strict.strict = assert.strict = strict;
  return assert;
}
