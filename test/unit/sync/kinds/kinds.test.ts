/** The table of `src/sync/kinds/README.md` is the registry. */
import { assert, describe, it } from "@effect/vitest"
import { readdirSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { wantedCrds } from "../../../../src/sync/engine/registry.ts"
import { syncedKinds } from "../../../../src/sync/kinds/kinds.ts"
import { testContext } from "../../../model/world.ts"

const room = fileURLToPath(new URL("../../../../src/sync/kinds/", import.meta.url))
const page = readFileSync(`${room}README.md`, "utf8")
const registry = readFileSync(`${room}kinds.ts`, "utf8")

const table = [...page.matchAll(/^\| `([\w-]+)\/`.*\|([^|]*)\|([^|]*)\|$/gm)].map(
  ([, folder = "", direction = "", kinds = ""]) => ({
    folder,
    direction: direction.trim(),
    kinds: kinds.trim().startsWith("(") ? [] : [...kinds.matchAll(/`(\w+)`/g)].map(([, kind = ""]) => kind),
  }),
)

const names = (values: Iterable<string>) => [...values].toSorted()

describe("the table of synced kinds", () => {
  it("has a row for each folder, and the registry takes something from each", () => {
    const folders = readdirSync(room, { withFileTypes: true }).filter((entry) => entry.isDirectory())
    assert.deepStrictEqual(names(table.map(({ folder }) => folder)), names(folders.map(({ name }) => name)))
    for (const { folder } of table) assert.include(registry, `from "./${folder}/`)
  })

  it("names the kinds that are registered, each once", () => {
    assert.deepStrictEqual(names(table.flatMap(({ kinds }) => kinds)), names(syncedKinds.map(({ kind }) => kind)))
  })

  for (const { kind, mirrored } of syncedKinds.filter((each) => each.mirrored !== undefined))
    it(`says that ${kind} goes to the host`, () => {
      assert.isDefined(mirrored)
      assert.match(table.find(({ kinds }) => kinds.includes(kind))?.direction ?? "", /^virtual → host/)
    })
})

describe("the registry", () => {
  it("lists no cache twice under other handles, and every source among the caches of its kind", () => {
    const caches = new Set(syncedKinds.flatMap((kind) => kind.caches))
    assert.lengthOf(new Set([...caches].map(({ name }) => name)), caches.size)
    for (const { kind, caches: listed, sources } of syncedKinds)
      for (const { cache } of sources) assert.include(listed, cache, `${kind}: ${cache.name}`)
  })

  it("wants the CRDs that are brought into the virtual cluster, the ExternalSecret's first", () => {
    const base = testContext().settings
    const wanted = (stores: boolean, clusterStores: boolean) =>
      wantedCrds(
        { kinds: syncedKinds },
        { ...base, stores: { enabled: stores, selector: {} }, clusterStores: { enabled: clusterStores, selector: {} } },
      ).map(({ plural, needsSchema }) => `${plural}${needsSchema ? "" : " unread"}`)
    assert.deepStrictEqual(wanted(true, true), ["externalsecrets", "secretstores", "clustersecretstores"])
    assert.deepStrictEqual(wanted(false, false), ["externalsecrets", "clustersecretstores unread"])
  })
})
