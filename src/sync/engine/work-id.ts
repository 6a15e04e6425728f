/** What stands in the work queue: a key of a kind, as one text. */
import type { ObjectKey } from "../../effects/client/kube-object.ts"

/** `KIND|KEY` */
export const workId = (kind: string, key: ObjectKey): string => `${kind}|${key}`

export const splitId = (id: string): { readonly kind: string; readonly key: ObjectKey } => {
  const separator = id.indexOf("|")
  return { kind: id.slice(0, separator), key: id.slice(separator + 1) }
}
