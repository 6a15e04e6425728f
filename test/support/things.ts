/** A custom resource that the host serves for tests: data, and a status with a schema. */
import { Effect } from "effect"
import type { KubeObject } from "../../src/effects/client/kube-object.ts"
import type { Resource } from "../../src/effects/client/resource.ts"
import { Ground } from "../clusters/ground.ts"
import { crds } from "./resources.ts"

export const things: Resource = {
  group: "test.example.com",
  version: "v1",
  plural: "things",
  kind: "Thing",
  namespaced: true,
}

const thingsCrd: KubeObject = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "things.test.example.com" },
  spec: {
    group: things.group,
    scope: "Namespaced",
    names: { plural: things.plural, kind: things.kind },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: {
            type: "object",
            properties: {
              data: { type: "object", additionalProperties: { type: "string" } },
              status: { type: "object", properties: { level: { type: "integer", maximum: 5 } } },
            },
          },
        },
      },
    ],
  },
}

/** On the host; returns when they are served. */
export const serveThings = Effect.gen(function* () {
  const { host } = yield* Ground
  yield* host.kube.apply(crds, thingsCrd)
  yield* host.kube.waitForList(things, { namespace: "default" }, () => true)
})

export const thing = (name: string): KubeObject => ({
  apiVersion: "test.example.com/v1",
  kind: "Thing",
  metadata: { name, namespace: "default" },
  data: { a: "MQ==" },
})
