// What each suite is: where its files are, what is left out and why, and what its imports mean.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const INSTALLED = fileURLToPath(new URL("node_modules", import.meta.url));

// For all suites: these need a file system, other processes, or what rewrites modules while they run.
const ELSEWHERE = [
  [/from ["'](?:node:)?(?:fs|fs\/promises|vm|v8|child_process|http|https|net|worker_threads)["']/, "needs Node's own"],
  [/\bvi\.(?:mock|doMock|resetModules|importActual|stubEnv)\(/, "rewrites modules"],
  [/\bvi\.(?:useFakeTimers|setSystemTime|advanceTimers\w*)\(/, "needs a false clock"],
  [/from ["'](?:jsdom|msw|msw\/node|happy-dom|esbuild|typescript|recheck|supertest|undici)["']/, "needs tools"],
  [/@vitest-environment|__snapshots__|toMatchSnapshot\(|toMatchFileSnapshot\(/, "needs vitest's own"],
];

export const SUITES = {
  zod: {
    // The package has its sources and tests.
    folder: () => join(INSTALLED, "zod"),
    files: /^src\/v4\/.*\.test\.ts$/,
    leftOut: [...ELSEWHERE, [/%ENTRY%|@seriousme|@web-std\/file/, "needs tools"]],
    resolve(specifier, folder) {
      if (!/^zod(\/|$)/.test(specifier)) return undefined;
      const path = join(folder, "src", specifier.slice(4) || ".");
      return [`${path}.ts`, join(path, "index.ts"), join(folder, "src/v4", specifier.slice(4), "index.ts")].find(existsSync);
    },
  },
  hono: {
    // The package has no tests: a checkout of its repository is named by --sources.
    folder: (sources) => sources,
    files: /^src\/(?!adapter\/(?!deno)|.*(?:build|jsx\/dom\/(?:client|css|server)).*).*\.test\.tsx?$/,
    leftOut: ELSEWHERE,
    resolve: (specifier) => specifier === "zod" ? join(INSTALLED, "zod/index.js") : undefined,
  },
};
