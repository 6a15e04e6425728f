import { assert, describe, it } from "@effect/vitest"
import { ageOf, formatAge, formatElapsed } from "../../../../src/plugin/output/age.ts"

const s = 1000
const m = 60 * s
const h = 60 * m
const d = 24 * h

describe("formatAge, like kubectl", () => {
  const cases: ReadonlyArray<readonly [number, string]> = [
    [-5 * s, "0s"],
    [12 * s, "12s"],
    [119 * s, "119s"],
    [2 * m, "2m"],
    [5 * m + 30 * s, "5m30s"],
    [14 * m + 59 * s, "14m"],
    [3 * h + 20 * m, "3h20m"],
    [8 * h + 20 * m, "8h"],
    [47 * h, "47h"],
    [3 * d + 4 * h, "3d4h"],
    [8 * d + 4 * h, "8d"],
    [800 * d, "2y70d"],
    [3650 * d, "10y"],
  ]
  for (const [duration, expected] of cases) it(expected, () => assert.strictEqual(formatAge(duration), expected))
})

it("an age needs a time", () => {
  const now = Date.parse("2026-11-24T10:00:00Z")
  assert.strictEqual(ageOf("2026-11-24T09:46:00Z", now), "14m")
  assert.strictEqual(ageOf("yesterday", now), undefined)
  assert.strictEqual(ageOf(undefined, now), undefined)
})

it("how long it took", () => {
  assert.deepStrictEqual([840, 2100, 59_949, 64_000, 600_000].map(formatElapsed), [
    "840ms",
    "2.1s",
    "59.9s",
    "1m04s",
    "10m00s",
  ])
})
