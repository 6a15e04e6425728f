/** A policy engine played by the API server itself: MutatingAdmissionPolicies, what Kyverno and Gatekeeper mutate on. */
import { Effect, Schedule } from "effect"
import { apiVersionOf, type Resource } from "../../../src/effects/client/resource.ts"
import type { KubeObject } from "../../../src/effects/client/kube-object.ts"
import { recordAt } from "../../../src/effects/client/unstructured.ts"
import type { KubeError } from "../kube-error.ts"
import { type Kube, pathOf } from "../kube.ts"
import { mutatingAdmissionPolicies, mutatingAdmissionPolicyBindings } from "../resources.ts"

/** Of an API server on which they are to work (Kubernetes 1.34 and later; beta, off by default). */
export const mutatingPolicyFlags: ReadonlyArray<string> = [
  "--feature-gates=MutatingAdmissionPolicy=true",
  "--runtime-config=admissionregistration.k8s.io/v1beta1=true",
]

export interface MutatingPolicy {
  readonly name: string
  readonly resources: ReadonlyArray<Resource>
  /** CEL over `object`: which ones. */
  readonly when: string
  /** CEL: a list of `JSONPatch`. */
  readonly patches: string
  /** One that it changes; made for a trial only. */
  readonly probe: { readonly resource: Resource; readonly object: KubeObject }
}

const policyOf = ({ name, patches, resources, when }: MutatingPolicy): KubeObject => ({
  apiVersion: apiVersionOf(mutatingAdmissionPolicies),
  kind: "MutatingAdmissionPolicy",
  metadata: { name },
  spec: {
    failurePolicy: "Fail",
    reinvocationPolicy: "Never",
    matchConditions: [{ name: "which", expression: when }],
    matchConstraints: {
      resourceRules: [
        {
          apiGroups: [...new Set(resources.map(({ group }) => group))],
          apiVersions: ["*"],
          operations: ["CREATE", "UPDATE"],
          resources: resources.map(({ plural }) => plural),
        },
      ],
    },
    mutations: [{ patchType: "JSONPatch", jsonPatch: { expression: patches } }],
  },
})

/** Without what the server makes anew of each. */
const partsOf = (object: unknown): string => {
  const { metadata: _, ...rest } = recordAt(object) ?? {}
  const { labels, annotations } = recordAt(object, "metadata") ?? {}
  return JSON.stringify([labels, annotations, rest])
}

const trial = (kube: Kube, { resource, object }: MutatingPolicy["probe"]) =>
  Effect.map(
    kube.request({
      method: "POST",
      path: `${pathOf(resource, object.metadata.namespace)}?dryRun=All`,
      body: object,
    }),
    ({ body }) => partsOf(body),
  )

/** Puts it into force, and waits until it is: an API server learns of a policy some time after it was stored. */
export const putIntoForce = Effect.fnUntraced(function* (
  kube: Kube,
  policy: MutatingPolicy,
): Effect.fn.Return<void, KubeError> {
  const before = yield* trial(kube, policy.probe)
  yield* kube.create(mutatingAdmissionPolicies, policyOf(policy))
  yield* kube.create(mutatingAdmissionPolicyBindings, {
    apiVersion: apiVersionOf(mutatingAdmissionPolicyBindings),
    kind: "MutatingAdmissionPolicyBinding",
    metadata: { name: policy.name },
    spec: { policyName: policy.name },
  })
  yield* trial(kube, policy.probe).pipe(
    Effect.repeat({ until: (after) => after !== before, schedule: Schedule.spaced("100 millis") }),
    Effect.timeout("60 seconds"),
    Effect.orDie,
  )
})
