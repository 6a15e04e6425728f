/**
 * The CRDs in the virtual cluster, derived from the host's (DESIGN §2, §10).
 *
 * One version of the host's is chosen and stored. `v1beta1` is served beside `v1` with v1's schema: ESO from 0.17 on does not
 * serve it any more, but the documented examples are written in it, and with its own older schema it would prune fields.
 */
import { Result } from "effect"
import type { KubeObject } from "../../../effects/client/kube-object.ts"
import type { Resource } from "../../../effects/client/resource.ts"
import type { Action } from "../../engine/actions.ts"
import type { CrdState } from "../../engine/errors.ts"
import { CrdNotServed, VersionNotServed } from "../../engine/errors.ts"
import { customResourceDefinitions } from "../../resources.ts"
import { arrayAt, recordAt, stringAt, valueAt } from "../../../effects/client/unstructured.ts"
import type { JsonRecord } from "../../../effects/client/unstructured.ts"
import { hostUidAnnotation, managedLabel } from "../../tenancy/labels.ts"
import { mergePatch } from "../../../effects/client/merge-patch.ts"

export const isOurCrd = (crd: KubeObject): boolean => crd.metadata.labels?.[managedLabel] === "true"

const versionsOf = (crd: KubeObject): ReadonlyArray<JsonRecord> =>
  arrayAt(crd, "spec", "versions")
    .map((version) => recordAt(version))
    .filter((version) => version !== undefined)

export const servedVersions = (crd: KubeObject): ReadonlyArray<string> =>
  versionsOf(crd).flatMap((version) => (version["served"] === true ? (stringAt(version, "name") ?? []) : []))

/** How the objects of a CRD are asked for. */
export const resourceOf = (crd: KubeObject, version: string): Resource => ({
  group: stringAt(crd, "spec", "group") ?? "",
  version,
  plural: stringAt(crd, "spec", "names", "plural") ?? "",
  kind: stringAt(crd, "spec", "names", "kind") ?? "",
  namespaced: stringAt(crd, "spec", "scope") === "Namespaced",
})

export const storageVersion = (crd: KubeObject): string | undefined =>
  stringAt(
    versionsOf(crd).find((version) => version["storage"] === true),
    "name",
  )

/** openAPIV3Schema of `spec` at a version; undefined where the CRD has none. */
export const specSchema = (crd: KubeObject, version: string): unknown =>
  valueAt(
    versionsOf(crd).find((candidate) => candidate["name"] === version),
    "schema",
    "openAPIV3Schema",
    "properties",
    "spec",
  )

/**
 * The version of external-secrets.io that is chosen from a host CRD: the one set, else the storage version.
 */
export const chooseVersion = (
  hostCrd: KubeObject,
  wanted: string | undefined,
): Result.Result<string, VersionNotServed> => {
  const served = servedVersions(hostCrd)
  const version = wanted ?? storageVersion(hostCrd) ?? ""
  return served.includes(version)
    ? Result.succeed(version)
    : Result.fail(new VersionNotServed({ crd: hostCrd.metadata.name, version, served }))
}

const bridged = "v1beta1"

/** Under which objects were ever stored. */
export const storedVersions = (crd: KubeObject | undefined): ReadonlyArray<string> =>
  arrayAt(crd, "status", "storedVersions").filter((name) => typeof name === "string")

/**
 * The chosen version as it is; beside it, with the same schema, the older name of a `v1` and every version under which the virtual
 * cluster ever stored an object: the API server lets none of those go (CustomResourceDefinition, `status.storedVersions`).
 */
const virtualVersions = (
  hostCrd: KubeObject,
  version: string,
  virtual: KubeObject | undefined,
): ReadonlyArray<JsonRecord> => {
  const chosen = versionsOf(hostCrd).find((candidate) => candidate["name"] === version) ?? {}
  const stored = { ...chosen, served: true, storage: true }
  const others = new Set([...(version === "v1" ? [bridged] : []), ...storedVersions(virtual)])
  others.delete(version)
  return [stored, ...[...others].map((name) => ({ ...stored, name, storage: false }))]
}

/**
 * What the virtual cluster should have: the host's CRD with only the chosen version (and its bridges), no conversion.
 *
 * @param virtual what stands there, where something does
 */
export const desiredVirtualCrd = (hostCrd: KubeObject, version: string, virtual?: KubeObject): KubeObject => ({
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: {
    name: hostCrd.metadata.name,
    labels: { [managedLabel]: "true" },
    annotations: { [hostUidAnnotation]: hostCrd.metadata.uid ?? "" },
  },
  spec: {
    group: valueAt(hostCrd, "spec", "group"),
    names: valueAt(hostCrd, "spec", "names"),
    scope: valueAt(hostCrd, "spec", "scope"),
    conversion: { strategy: "None" },
    versions: virtualVersions(hostCrd, version, virtual),
  },
})

/** The parts that we keep in step. */
export const keptOf = (crd: KubeObject) => ({
  metadata: { annotations: { [hostUidAnnotation]: crd.metadata.annotations?.[hostUidAnnotation] } },
  spec: {
    names: recordAt(crd, "spec", "names"),
    conversion: recordAt(crd, "spec", "conversion"),
    versions: versionsOf(crd),
  },
})

const withoutSelectableFields = (crd: KubeObject): KubeObject => ({
  ...crd,
  spec: {
    ...recordAt(crd, "spec"),
    versions: versionsOf(crd).map(({ selectableFields: _dropped, ...version }) => version),
  },
})

/**
 * Whether the virtual CRD lacks nothing but `selectableFields`, and has none of them: an API server before Kubernetes 1.31 drops them without
 * a word. Who writes learns that from the answer (`follower.ts`); who only looks cannot tell it from a tenant who took them away.
 */
export const lacksOnlySelectableFields = (desired: KubeObject, virtual: KubeObject): boolean =>
  !versionsOf(virtual).some(({ selectableFields }) => selectableFields !== undefined) &&
  mergePatch(keptOf(virtual), keptOf(withoutSelectableFields(desired))) === undefined

/**
 * The writes that bring the virtual CRD into step. A CRD of somebody else's (an own ESO, GitOps) is left alone, and one
 * that is being deleted is awaited.
 */
export const crdToVirtual = (desired: KubeObject, virtual: KubeObject | undefined): ReadonlyArray<Action> => {
  if (virtual === undefined)
    return [{ _tag: "Create", side: "virtual", resource: customResourceDefinitions, body: desired }]
  if (virtual.metadata.deletionTimestamp !== undefined || !isOurCrd(virtual)) return []
  const patch = mergePatch(keptOf(virtual), keptOf(desired))
  return patch === undefined
    ? []
    : [{ _tag: "Patch", side: "virtual", resource: customResourceDefinitions, current: virtual, patch }]
}

export const crdState = (crd: KubeObject | undefined): CrdState => {
  if (crd === undefined) return "absent"
  if (crd.metadata.deletionTimestamp !== undefined) return "terminating"
  return isEstablished(crd) ? "served" : "pending"
}

/** What the API server says against it: the messages of its conditions that are not as they should be. */
const objections = (crd: KubeObject | undefined): string =>
  arrayAt(crd, "status", "conditions")
    .filter(
      (condition) =>
        stringAt(condition, "status") !== (stringAt(condition, "type") === "Terminating" ? "False" : "True"),
    )
    .map((condition) => stringAt(condition, "message") ?? "")
    .filter((message) => message !== "")
    .join("; ")

/** @param crd as it stands when the time is over */
export const crdNotServed = (name: string, crd: KubeObject | undefined, seconds: number): CrdNotServed =>
  new CrdNotServed({ crd: name, state: crdState(crd), seconds, detail: objections(crd) })

export const isEstablished = (crd: KubeObject): boolean =>
  arrayAt(crd, "status", "conditions").some(
    (condition) => stringAt(condition, "type") === "Established" && stringAt(condition, "status") === "True",
  )
