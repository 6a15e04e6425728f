import { assert, describe, it } from "@effect/vitest"
import { judgeMassDeletion } from "../../../../src/sync/engine/mass-deletion.ts"

describe("judgeMassDeletion", () => {
  const cases: ReadonlyArray<readonly [wouldDelete: number, managed: number, stops: boolean]> = [
    [0, 0, false],
    [1, 1, false],
    [10, 10, false],
    [11, 11, true],
    [11, 21, true],
    [11, 22, false],
    [500, 1000, false],
    [501, 1000, true],
  ]
  for (const [wouldDelete, managed, stops] of cases)
    it(`${wouldDelete} of ${managed}: ${stops ? "stops" : "goes on"}`, () => {
      const stop = judgeMassDeletion("ExternalSecret", wouldDelete, managed)
      assert.strictEqual(stop !== undefined, stops)
      if (stop !== undefined) assert.include(stop.message, `${wouldDelete} of ${managed}`)
    })
})
