import { defineConfig } from "vitest/config"

// The same unit tests run under Node, Bun and Deno. Bun's child processes lack the channel that Vitest's forks need,
// Deno lacks parts of worker threads, so each gets the pool that works there.
const pool = "bun" in process.versions ? "threads" : "forks"

const project = (name: string, include: ReadonlyArray<string>, extra: object = {}) => ({
  extends: true as const,
  test: { name, include: [...include], pool, ...extra },
})

// Beyond the limits of what a test waits for, which tell what was missing: some start an API server or a vCluster on the way.
const onRealClusters = { fileParallelism: false, testTimeout: 300_000, hookTimeout: 600_000 }

// These wait most of their time (for vCluster's collection, a vCluster's start, a minute in which nothing may happen, the moves of a soak) and measure no moment: two at a time.
const patient = ["rest-beside-others", "signals-at-rest", "soak", "vcluster-lifecycle", "vcluster-pods"].map(
  (name) => `test/e2e/${name}.test.ts`,
)

export default defineConfig({
  test: {
    projects: [
      project("unit", ["test/unit/**/*.test.ts", "test/model/**/*.test.ts"], { testTimeout: 60_000 }),
      project("integration", ["test/integration/**/*.test.ts"], onRealClusters),
      project("attack", ["test/attack/**/*.test.ts"], onRealClusters),
      project("comparison", ["test/comparison/**/*.test.ts"], onRealClusters),
      project("e2e", ["test/e2e/**/*.test.ts"], { ...onRealClusters, exclude: patient }),
      project("e2e-patient", patient, { ...onRealClusters, fileParallelism: true, maxWorkers: 2 }),
    ],
  },
})
