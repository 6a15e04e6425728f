/** What the tests of to-virtual.test.ts and its neighbours share. */
import { assert } from "@effect/vitest"
import { Result } from "effect"
import type { KubeObject } from "../../../../../src/effects/client/kube-object.ts"
import { managerFor, summarizeAppliedFields } from "../../../../../src/sync/external-secrets/managed-fields.ts"
import type { VirtualTarget } from "../../../../../src/sync/external-secrets/target-secret.ts"
import { decodeSpec } from "../../../../../src/sync/external-secrets/external-secret-spec.ts"
import { stringMapAt } from "../../../../../src/effects/client/unstructured.ts"
import { desiredVirtualSecret } from "../../../../../src/sync/kinds/secret/to-virtual.ts"

export const owner = (labels: Readonly<Record<string, string>> = { team: "a" }): KubeObject => ({
  apiVersion: "external-secrets.io/v1",
  kind: "ExternalSecret",
  metadata: { name: "db", namespace: "prod", uid: "owner-uid", labels, annotations: { note: "x" } },
})

export const made = (fields: object = {}, metadata: object = {}): KubeObject => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: {
    name: "db-x-prod-x-vc.es",
    namespace: "team-x",
    labels: { team: "a", "reconcile.external-secrets.io/managed": "true", "vcluster-es.io/managed-by": "vc" },
    annotations: { note: "x", "reconcile.external-secrets.io/data-hash": "1", "vcluster-es.io/vcluster": "vc" },
    finalizers: ["host/only"],
    ...metadata,
  },
  type: "Opaque",
  data: { password: "czNjcmV0" },
  ...fields,
})

export const target = (spec: object = {}, source = made(), es = owner()): VirtualTarget => ({
  owner: es,
  spec: Result.match(decodeSpec(spec), {
    onSuccess: (value) => value,
    onFailure: ({ message }) => assert.fail(message),
  }),
  source,
  name: "db",
  isCarriedOver: false,
})

export const wanted = (spec: object = {}, source = made(), es = owner(), standing?: KubeObject): KubeObject =>
  desiredVirtualSecret(target(spec, source, es), standing)

export const fields = (entries: Readonly<Record<string, string>> | undefined) =>
  Object.fromEntries(Object.keys(entries ?? {}).map((key) => [`f:${key}`, {}]))

/** As the cache holds what we applied; `extra` is written by others afterwards. */
export const applied = (
  body: KubeObject,
  extra: { readonly data?: object; readonly metadata?: object; readonly top?: object; readonly manager?: string } = {},
) =>
  summarizeAppliedFields({
    ...body,
    data: { ...stringMapAt(body, "data"), ...extra.data },
    metadata: {
      ...body.metadata,
      uid: "secret-uid",
      resourceVersion: "9",
      managedFields: [
        {
          manager: extra.manager ?? managerFor("db"),
          operation: "Apply",
          fieldsV1: {
            "f:data": fields(stringMapAt(body, "data")),
            "f:metadata": {
              "f:labels": fields(body.metadata.labels),
              "f:annotations": fields(body.metadata.annotations),
            },
          },
        },
      ],
      ...extra.metadata,
    },
    ...extra.top,
  })

export const tags = (actions: ReadonlyArray<{ readonly _tag: string }>) => actions.map(({ _tag }) => _tag)
