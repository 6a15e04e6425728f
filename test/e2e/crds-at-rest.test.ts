/** The virtual CRDs, once they are as they should be, are written no more: also on API servers that do not keep all of them (`npm run matrix`). */
import { assert, it } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import type { ControlPlane } from "../clusters/control-plane.ts"
import { describeEntry, isWrite } from "../clusters/audit-log.ts"
import { arrayAt, stringAt, valueAt } from "../../src/effects/client/unstructured.ts"
import type { Kube } from "../support/kube.ts"
import { ourAgent } from "../support/complaint.ts"
import { crds, externalSecrets } from "../support/resources.ts"
import { createReady, externalSecret, SyncedPair } from "../support/synced-pair.ts"

const crd = { name: "externalsecrets.external-secrets.io" }

/** `selectableFields` of CRDs: alpha in Kubernetes 1.30, on since 1.31. */
const keepsSelectableFields = ({ request }: Kube) =>
  Effect.map(
    request({ method: "GET", path: "/version" }),
    ({ body }) => Number.parseInt(stringAt(body, "minor") ?? "", 10) >= 31,
  )

/** Of the version that is stored. */
const selectablePaths = ({ kube }: ControlPlane) =>
  Effect.map(kube.get(crds, crd), (found) =>
    arrayAt(found, "spec", "versions")
      .filter((version) => valueAt(version, "storage") === true)
      .flatMap((version) => arrayAt(version, "selectableFields").map((field) => stringAt(field, "jsonPath"))),
  )

it.live(
  "a CRD that is looked at again is left as it is, and so it is after a restart",
  () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { host, virtual } = pair.ground
      yield* createReady(pair, externalSecret("app", { target: { name: "selected" } }))
      const before = yield* virtual.kube.get(crds, crd)
      const mark = yield* virtual.audit.mark
      const ofCrds = Effect.map(virtual.audit.since(mark), (entries) =>
        entries.filter(({ objectRef }) => objectRef?.resource === crds.plural).filter(ourAgent),
      )
      // Somebody's label on it makes us look.
      yield* virtual.kube.patch(crds, crd, { metadata: { labels: { seen: "yes" } } })
      yield* ofCrds.pipe(
        Effect.repeat({
          until: (seen) => seen.some(({ verb, objectRef }) => verb === "get" && objectRef?.name === crd.name),
          schedule: Schedule.spaced("100 millis"),
        }),
      )
      yield* createReady(pair, externalSecret("later"))
      yield* pair.syncer?.signal("SIGTERM") ?? Effect.void
      yield* pair.syncer?.finished ?? Effect.void
      const plan = yield* pair.command("sync", ["--dry-run"])
      assert.strictEqual(plan.stdout, "✓ in step: nothing would change\n", plan.stderr)
      yield* pair.startFollow()
      yield* createReady(pair, externalSecret("last"))
      assert.deepStrictEqual((yield* ofCrds).filter(isWrite).map(describeEntry), [])
      assert.strictEqual((yield* virtual.kube.get(crds, crd)).metadata.generation, before.metadata.generation)

      // What both servers keep, the tenant has.
      const keeps = (yield* keepsSelectableFields(host.kube)) && (yield* keepsSelectableFields(virtual.kube))
      const paths = yield* selectablePaths(virtual)
      assert.strictEqual(paths.includes(".spec.target.name"), keeps, String(paths))
      if (!keeps) return
      assert.deepStrictEqual(paths, yield* selectablePaths(host))
      const found = yield* virtual.kube.list(externalSecrets, { fieldSelector: "spec.target.name=selected" })
      assert.deepStrictEqual(
        found.map((object) => valueAt(object, "metadata", "name")),
        ["app"],
      )
    }).pipe(Effect.provide(SyncedPair.layer()), Effect.scoped),
  300_000,
)
