/** A CRD whose conversion webhook is away (`field-cases.md` 17). */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { ApiError, NotFound, ServerFault } from "../../../../../src/effects/client/api-error.ts"
import type { ApiErrorReason } from "../../../../../src/effects/client/api-error.ts"
import { compareCrd } from "../../../../../src/sync/kinds/custom-resource-definition/ensure.ts"
import { managedLabel } from "../../../../../src/sync/tenancy/labels.ts"
import { customResourceDefinitions as crds } from "../../../../../src/sync/resources.ts"
import { established, hostCrd, nameOf, place, withoutStores } from "./follower-ground.ts"

const service = { name: "external-secrets-webhook", namespace: "external-secrets", path: "/convert" }

const converted = (labels: Readonly<Record<string, string>> = {}) => {
  const { spec, ...crd } = hostCrd("externalsecrets")
  return {
    ...crd,
    metadata: { name: crd.metadata.name, labels },
    spec: Object.assign({}, spec, { conversion: { strategy: "Webhook", webhook: { clientConfig: { service } } } }),
    status: established,
  }
}

const words =
  'conversion webhook for external-secrets.io/v1beta1, Kind=ExternalSecret failed: Post "https://…": service "external-secrets-webhook" not found'

/** Both clusters, where lists of ExternalSecrets in the virtual one fail. @param detail empty: no more */
const failing = (detail: string, reason: ApiErrorReason) => {
  const trouble = { detail }
  const ground = place(withoutStores, (client) => ({
    ...client,
    list: (resource, selection) => {
      const said = { cluster: "virtual", server: "https://v", verb: "list", resource: "externalsecrets", reason }
      return resource.plural === "externalsecrets" && trouble.detail !== ""
        ? Effect.fail(new ApiError({ ...said, detail: trouble.detail }))
        : client.list(resource, selection)
    },
  }))
  return { ...ground, trouble }
}

const fault = new ServerFault({ status: 500, resourceVersionTooLarge: false })

describe("a conversion webhook that is not there", () => {
  it.effect("is what a start ends with, and what status tells: who, where, and the way out", () =>
    Effect.gen(function* () {
      const { clients, start, virtual, writes } = failing(words, fault)
      virtual.put(crds, converted())
      const told = [
        yield* Effect.flip(start()),
        yield* Effect.flip(compareCrd(clients, "externalsecrets", withoutStores)),
      ]
      for (const error of told) {
        assert.strictEqual(error._tag, "ConversionBroken")
        assert.include(error.message, "installed by somebody else")
        assert.include(error.message, "(Service external-secrets/external-secrets-webhook)")
        assert.include(error.message, words)
        assert.include("fix" in error ? error.fix : "", `kubectl patch crd ${nameOf("externalsecrets")} --type=merge`)
      }
      assert.deepStrictEqual(writes(), [])
    }),
  )

  it.effect("is asked again, until it answers", () =>
    Effect.gen(function* () {
      const { start, trouble, virtual } = failing(words, fault)
      virtual.put(crds, converted())
      yield* Effect.flip(start())
      trouble.detail = ""
      assert.isTrue((yield* start()).pairs.has("externalsecrets"))
    }),
  )

  it.effect("is nothing that another error would say", () =>
    Effect.gen(function* () {
      for (const reason of [fault, new NotFound({ resourceMissing: true })]) {
        const { start, virtual } = failing("etcd is away", reason)
        virtual.put(crds, converted())
        assert.isTrue((yield* start()).pairs.has("externalsecrets"))
      }
    }),
  )

  it.effect("is taken out of a CRD of ours", () =>
    Effect.gen(function* () {
      const { start, virtual, writes } = failing(words, fault)
      virtual.put(crds, converted({ [managedLabel]: "true" }))
      yield* Effect.ignore(start())
      assert.include(writes(), `patch ${nameOf("externalsecrets")}`)
    }),
  )
})
