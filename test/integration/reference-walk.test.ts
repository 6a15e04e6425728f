/**
 * Everything in ESO's CRDs that looks like a reference is translated, refused, or known to be none (DESIGN §5), in every
 * version of ESO that the ground has. What a new version adds fails here until somebody has looked at it.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { KubeObject } from "../../src/effects/client/kube-object.ts"
import { specSchema } from "../../src/sync/kinds/custom-resource-definition/to-virtual.ts"
import { isRecord, recordAt, stringAt } from "../../src/effects/client/unstructured.ts"
import { referenceSites } from "../../src/sync/tenancy/references.ts"
import { refusedProviders } from "../../src/sync/kinds/secret-store/policy.ts"
import { readCrds } from "../clusters/eso.ts"
import type { EsoVersion } from "../clusters/tool-sets.ts"
import { esoTools } from "../clusters/tools.ts"

const isText = (schema: unknown): boolean => stringAt(schema, "type") === "string"

/** Objects that bear a name, and texts that are called like something of Kubernetes. */
const suspects = (schema: unknown, path: string): ReadonlyArray<string> => {
  if (!isRecord(schema)) return []
  const properties = recordAt(schema, "properties") ?? {}
  const named = isText(properties["name"])
  return [
    ...(named ? [path] : []),
    ...Object.entries(properties).flatMap(([key, child]) => [
      ...(!named && isText(child) && /namespace|secretname|serviceaccount|configmap/i.test(key)
        ? [`${path}.${key}`]
        : []),
      ...suspects(child, `${path}.${key}`),
    ]),
    ...suspects(schema["items"], `${path}[]`),
    ...suspects(schema["additionalProperties"], `${path}.*`),
  ]
}

/** Looked at: names of things at the provider, and Vault's own namespaces, which are none of Kubernetes'. */
const noReferences = new Set([
  "spec.provider.ngrok.vault",
  "spec.provider.onepasswordSDK.integrationInfo",
  "spec.provider.vault.namespace",
  "spec.provider.vault.auth.namespace",
])

/** Each is handled by name in `kinds/external-secret/to-host.ts`, or refused in `policy.ts` there. */
const inExternalSecrets = new Set([
  "spec.secretStoreRef",
  "spec.data[].sourceRef.storeRef",
  "spec.dataFrom[].sourceRef.storeRef",
  "spec.data[].sourceRef.generatorRef",
  "spec.dataFrom[].sourceRef.generatorRef",
  "spec.target",
  "spec.target.template.templateFrom[].secret",
  "spec.target.template.templateFrom[].configMap",
])

const providerIn = (path: string): string => path.split(".")[2]?.replace("[]", "") ?? ""

const schemaOf = (crds: ReadonlyArray<KubeObject>, plural: string): unknown => {
  const crd = crds.find(({ metadata }) => metadata.name === `${plural}.external-secrets.io`)
  return crd === undefined ? assert.fail(`no CRD of ${plural}`) : specSchema(crd, "v1")
}

const versions: ReadonlyArray<EsoVersion> = ["0.16", "0.20"]

describe("references in the CRDs of ESO", () => {
  for (const version of versions)
    it.effect(`${version}: none in a SecretStore is overlooked`, () =>
      Effect.gen(function* () {
        const schema = schemaOf(yield* readCrds((yield* esoTools(version)).crds), "secretstores")
        const sites = referenceSites(schema)
        assert.isAbove(sites.length, 90)
        const found = new Set(sites.map(({ path }) => path))
        const overlooked = suspects(schema, "spec").filter(
          (path) => !found.has(path) && !noReferences.has(path) && !refusedProviders.has(providerIn(path)),
        )
        assert.deepStrictEqual(overlooked, [])
        // A strange one is refused wherever it is used; none is among those that everybody uses.
        assert.deepStrictEqual(
          sites.filter(({ shape }) => shape === "Strange"),
          [],
        )
      }),
    )

  for (const version of versions)
    it.effect(`${version}: none in an ExternalSecret is overlooked`, () =>
      Effect.gen(function* () {
        const schema = schemaOf(yield* readCrds((yield* esoTools(version)).crds), "externalsecrets")
        assert.deepStrictEqual(
          suspects(schema, "spec").filter((path) => !inExternalSecrets.has(path)),
          [],
        )
      }),
    )
})
