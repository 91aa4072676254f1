// For suites whose test files use the names of vitest without importing them.
export { afterAll, afterEach, assert, assertType, beforeAll, beforeEach, describe, expect, expectTypeOf, it, suite, test, vi, vitest } from "./vitest.mjs";
