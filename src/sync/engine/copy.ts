/** What the action `Copy` makes of a Secret or ConfigMap, and whether that is still true. */
import { createHash } from "node:crypto"
import type { KubeObject } from "../../effects/client/kube-object.ts"
import type { JsonRecord } from "../../effects/client/unstructured.ts"
import { sortedEntries, stringMapAt } from "../../effects/client/unstructured.ts"
import { contentHashAnnotation, sourceVersionAnnotation } from "../tenancy/labels.ts"
import { renderedDataKey, renderedKeysOf } from "../tenancy/rendered-keys.ts"
import { mergePatch } from "../../effects/client/merge-patch.ts"

const contentOf = (object: KubeObject) => ({
  data: stringMapAt(object, "data"),
  binaryData: stringMapAt(object, "binaryData"),
})

/** Salted with the source's UID: equal values of two objects do not show as equal. */
const hashOf = (object: KubeObject, sourceUid: string): string => {
  const { data, binaryData } = contentOf(object)
  return createHash("sha256")
    .update(JSON.stringify([sourceUid, sortedEntries(data), sortedEntries(binaryData)]))
    .digest("hex")
}

/** ESO asks for some texts under keys of ours. */
const withRenderedKeys = (
  { kind, metadata }: KubeObject,
  source: string,
  data: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> =>
  Object.fromEntries([
    ...Object.entries(data),
    ...renderedKeysOf(metadata.annotations).flatMap((key) => {
      const text = Object.hasOwn(data, key) ? data[key] : undefined
      return text === undefined ? [] : [[renderedDataKey(kind, source, key), text] as const]
    }),
  ])

/** @param read the source as it was just read */
export const copyOf = (body: KubeObject, read: KubeObject): KubeObject => {
  const { binaryData, ...content } = contentOf(read)
  const data = withRenderedKeys(body, read.metadata.name, content.data)
  return {
    ...body,
    metadata: {
      ...body.metadata,
      annotations: {
        ...body.metadata.annotations,
        [sourceVersionAnnotation]: read.metadata.resourceVersion ?? "",
        [contentHashAnnotation]: hashOf({ ...read, data }, read.metadata.uid ?? ""),
      },
    },
    data,
    ...(Object.keys(binaryData).length === 0 ? {} : { binaryData }),
  }
}

const kept = (object: KubeObject): JsonRecord => ({
  metadata: {
    labels: object.metadata.labels ?? {},
    annotations: object.metadata.annotations ?? {},
    ...(object.metadata.ownerReferences === undefined || object.metadata.ownerReferences.length === 0
      ? {}
      : { ownerReferences: object.metadata.ownerReferences }),
  },
  ...contentOf(object),
})

/** What brings `current` to `desired`; undefined: nothing does. */
export const copyPatch = (current: KubeObject, desired: KubeObject): JsonRecord | undefined =>
  mergePatch(kept(current), kept(desired))

/** Whether a host copy holds what the source had in the version that is known, and still bears our marks. */
export const isTrueCopy = (current: KubeObject, source: KubeObject, body: KubeObject): boolean => {
  const annotations = current.metadata.annotations ?? {}
  const uid = source.metadata.uid ?? ""
  return (
    annotations[sourceVersionAnnotation] === source.metadata.resourceVersion &&
    annotations[contentHashAnnotation] === hashOf(current, uid) &&
    Object.entries(body.metadata.annotations ?? {}).every(([key, value]) => annotations[key] === value) &&
    Object.entries(body.metadata.labels ?? {}).every(([key, value]) => current.metadata.labels?.[key] === value) &&
    (body.metadata.ownerReferences ?? []).every((owner) =>
      current.metadata.ownerReferences?.some(({ uid: standing }) => standing === owner.uid),
    )
  )
}
