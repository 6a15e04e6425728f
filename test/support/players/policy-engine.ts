/** A policy engine that changes what others write, as Kyverno does: a MutatingAdmissionPolicy in the API server itself. */
import { Effect, Schedule } from "effect"
import type { KubeObject } from "../../../src/effects/client/kube-object.ts"
import type { Resource } from "../../../src/effects/client/resource.ts"
import { type Kube, pathOf } from "../kube.ts"
import { KubeError } from "../kube-error.ts"

/** For the API server (`apiServerFlags`): the kind is beta and off by default up to Kubernetes 1.35. */
export const policyEngineFlags = [
  "--feature-gates=MutatingAdmissionPolicy=true",
  "--runtime-config=admissionregistration.k8s.io/v1beta1=true",
]

const policies: Resource = {
  group: "admissionregistration.k8s.io",
  version: "v1beta1",
  plural: "mutatingadmissionpolicies",
  kind: "MutatingAdmissionPolicy",
  namespaced: false,
}
const bindings: Resource = {
  ...policies,
  plural: "mutatingadmissionpolicybindings",
  kind: "MutatingAdmissionPolicyBinding",
}
const apiVersion = "admissionregistration.k8s.io/v1beta1"

export interface MutatingPolicy {
  readonly name: string
  readonly apiGroup: string
  readonly resource: string
  /** In CEL, over `object`; default: all. */
  readonly when?: string
  /** A JSON patch in CEL, e.g. `JSONPatch{op: "add", path: "/metadata/labels/a", value: "b"}`. */
  readonly patch: string
}

const policyOf = ({ name, apiGroup, resource, when, patch }: MutatingPolicy): KubeObject => ({
  apiVersion,
  kind: "MutatingAdmissionPolicy",
  metadata: { name },
  spec: {
    failurePolicy: "Fail",
    reinvocationPolicy: "Never",
    matchConstraints: {
      resourceRules: [
        { apiGroups: [apiGroup], apiVersions: ["*"], operations: ["CREATE", "UPDATE"], resources: [resource] },
      ],
    },
    ...(when === undefined ? {} : { matchConditions: [{ name: "when", expression: when }] }),
    mutations: [{ patchType: "JSONPatch", jsonPatch: { expression: `[${patch}]` } }],
  },
})

/** What the API server would make of an object, without storing it. */
const dryRun = Effect.fnUntraced(function* (kube: Kube, resource: Resource, body: KubeObject) {
  const path = `${pathOf(resource, body.metadata.namespace)}?dryRun=All`
  return (yield* kube.request({ method: "POST", path, body })).body
})

/**
 * Returns when the policy is heeded, which takes the API server a moment and shows nowhere but in what it does.
 *
 * @param probe an object that the policy changes
 */
export const mutate = Effect.fnUntraced(function* (
  kube: Kube,
  policy: MutatingPolicy,
  probe: { readonly resource: Resource; readonly body: KubeObject; readonly isChanged: (answer: unknown) => boolean },
): Effect.fn.Return<void, KubeError> {
  yield* kube.create(policies, policyOf(policy))
  yield* kube.create(bindings, {
    apiVersion,
    kind: "MutatingAdmissionPolicyBinding",
    metadata: { name: policy.name },
    spec: { policyName: policy.name },
  })
  yield* dryRun(kube, probe.resource, probe.body).pipe(
    Effect.repeat({ until: probe.isChanged, schedule: Schedule.spaced("100 millis") }),
    Effect.timeoutOrElse({
      duration: "60 seconds",
      orElse: () =>
        Effect.fail(new KubeError({ status: 0, reason: "Timeout", message: `policy ${policy.name} is not heeded` })),
    }),
  )
})
