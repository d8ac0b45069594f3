import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/fixtures/**"],
    isolate: false,
    pool: "threads",
    maxWorkers: 2,
    unstubGlobals: true,
    unstubEnvs: true,
    restoreMocks: true,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // A poll ends when its condition holds; the limit is only for a condition that never will.
    expect: { poll: { timeout: 20_000 } },
    sequence: { shuffle: { files: true } },
    coverage: {
      provider: "v8",
      include: ["src/**/*.ts"],
      reporter: ["json"],
      reportsDirectory: "coverage/unit",
      reportOnFailure: true,
    },
  },
});
