/** What is written to a host copy beside others who write there: the host's admission, an operator by hand, ESO. */
import { assert, describe, it } from "@effect/vitest"
import type { KubeObject } from "../../../../src/effects/client/kube-object.ts"
import {
  copyDifference,
  withoutAdmissions,
  withWrittenMark,
} from "../../../../src/sync/external-secrets/host-copy-patch.ts"
import { fieldManager, summarizeWriters } from "../../../../src/sync/external-secrets/managed-fields.ts"

interface Written {
  readonly labels?: Readonly<Record<string, string>>
  readonly spec?: object
}

const wantedOf = ({ labels = { "vcluster-es.io/managed-by": "vc" }, spec = { refreshInterval: "1h" } }: Written = {}) =>
  withWrittenMark({
    apiVersion: "external-secrets.io/v1",
    kind: "ExternalSecret",
    metadata: { name: "app", namespace: "team-x", labels, annotations: {} },
    spec,
  })

const fieldsOf = (value: unknown): object =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [`f:${key}`, fieldsOf(inner)]))
    : {}

const accountOf = (manager: string, { metadata, spec }: { readonly metadata?: object; readonly spec?: unknown }) => ({
  manager,
  operation: "Update",
  fieldsV1: fieldsOf({ metadata, spec }),
})

/** As the server has it after our write: admission comes after the account. */
const stored = (wrote: KubeObject, becomes: object, ...others: ReadonlyArray<object>): KubeObject => {
  const { labels, annotations } = wrote.metadata
  const ours = accountOf(fieldManager, { metadata: { labels, annotations }, spec: wrote["spec"] })
  const { metadata, ...rest } = { metadata: {}, ...becomes }
  return summarizeWriters({
    ...wrote,
    ...rest,
    metadata: { ...wrote.metadata, ...metadata, managedFields: [ours, ...others] },
  })
}

const differenceOf = (current: KubeObject, wanted: KubeObject) => copyDifference(current, wanted, (spec) => spec)

describe("beside the host's admission", () => {
  it("leaves a label that it adds, and writes nothing", () => {
    const wanted = wantedOf()
    const labels = { ...wanted.metadata.labels, "cost-center": "4711" }
    assert.deepStrictEqual(differenceOf(stored(wanted, { metadata: { labels } }), wanted), {
      patch: undefined,
      overruled: [],
    })
  })

  it("leaves a value that it overrules, a field that it adds and one that it takes out, and names them", () => {
    const wanted = wantedOf({ spec: { refreshInterval: "1h", target: { name: "a", immutable: true } } })
    const current = stored(wanted, {
      spec: { refreshInterval: "24h", target: { name: "a" }, refreshPolicy: "Periodic" },
    })
    const { patch, overruled } = differenceOf(current, wanted)
    assert.isUndefined(patch)
    assert.sameMembers([...overruled], ["spec.refreshInterval", "spec.target.immutable", "spec.refreshPolicy"])
  })

  it("asks it again for what it has not been asked yet", () => {
    const current = stored(wantedOf(), { spec: { refreshInterval: "24h" } })
    const next = wantedOf({ spec: { refreshInterval: "2h" } })
    assert.deepInclude(differenceOf(current, next).patch, { spec: { refreshInterval: "2h" } })
  })

  it("takes off a label that we wrote and no longer want, and no other", () => {
    const before = wantedOf({ labels: { "vcluster-es.io/managed-by": "vc", team: "a" } })
    const labels = { ...before.metadata.labels, "cost-center": "4711" }
    const { patch } = differenceOf(stored(before, { metadata: { labels } }), wantedOf())
    assert.deepEqual(patch?.["metadata"], {
      labels: { team: null },
      annotations: wantedOf().metadata.annotations,
    })
  })
})

describe("beside an operator's edit", () => {
  const wanted = wantedOf({ spec: { refreshInterval: "1h", data: ["a"] } })
  const withoutOurs = wantedOf({ spec: { data: ["a"] } })

  it("puts back a value that somebody changed", () => {
    const edit = accountOf("kubectl-edit", { spec: { refreshInterval: "24h" } })
    const account = stored(withoutOurs, {}, edit)
    const current = { ...account, metadata: wanted.metadata, spec: { refreshInterval: "24h", data: ["a"] } }
    assert.deepEqual(differenceOf(current, wanted).patch, { spec: { refreshInterval: "1h" } })
  })

  it("puts back a value that somebody removed, and removes one that somebody added", () => {
    const account = stored(withoutOurs, {}, accountOf("kubectl-edit", { spec: { refreshPolicy: "OnChange" } }))
    const current = { ...account, metadata: wanted.metadata, spec: { data: ["a"], refreshPolicy: "OnChange" } }
    assert.deepEqual(differenceOf(current, wanted).patch, { spec: { refreshInterval: "1h", refreshPolicy: null } })
  })

  it("compares all where the server keeps no account", () => {
    const labels = { ...wanted.metadata.labels, team: "blue" }
    const current = { ...wanted, metadata: { ...wanted.metadata, labels } }
    assert.deepEqual(differenceOf(current, wanted).patch, { metadata: { labels: { team: null } } })
  })

  it("tells the edit from what admission made of our write", () => {
    const base = { refreshInterval: 60, provider: { fake: { version: "v1" } } }
    const wrote = wantedOf({ spec: { provider: base.provider } })
    const current = stored(wrote, {}, accountOf("kubectl-edit", { spec: { refreshInterval: 5 } }))
    const standing = { refreshInterval: 5, provider: { fake: { version: "v2" }, extra: true } }
    assert.deepEqual(withoutAdmissions(current, base, standing), { refreshInterval: 5, provider: base.provider })
  })
})
