/**
 * Where the host's ESO renders what becomes a label or annotation in the virtual cluster: under keys of ours, which say nothing to whoever
 * acts on keys there. Values of labels and annotations become annotations, whole texts (`templateFrom`) become data.
 */
import { createHash } from "node:crypto"
import { renderedDomain, renderedKeysAnnotation } from "./labels.ts"

const digest = (parts: ReadonlyArray<string>, digits: number): string =>
  createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, digits)

/** Of the host's Secret. 64 bits: only the keys of one tenant's template could meet. */
export const renderedAnnotation = (place: string, key: string): string =>
  `${renderedDomain}/${place}-${digest([place, key], 16)}`

const dataPrefix = "vcluster-es.rendered."
const dataKey = /^vcluster-es\.rendered\.[0-9a-f]{32}$/

/** A key of data, in the host's Secret and where ESO takes the text from. @param parts what tells the text from others of a template */
export const renderedDataKey = (...parts: ReadonlyArray<string>): string => dataPrefix + digest(parts, 32)

/** Such a key is never one of the virtual Secret's. */
export const isRenderedDataKey = (key: string): boolean => dataKey.test(key)

/** What the API server takes for a key of data. */
const plainKey = /^[-._a-zA-Z0-9]{1,253}$/

/** On the copy of a Secret or ConfigMap: its keys whose texts stand there a second time, under {@link renderedDataKey}s. */
export const renderedKeysMark = (keys: Iterable<string>): Readonly<Record<string, string>> => {
  const plain = [...new Set(keys)].filter((key) => plainKey.test(key)).toSorted()
  return plain.length === 0 ? {} : { [renderedKeysAnnotation]: plain.join(",") }
}

export const renderedKeysOf = (annotations: Readonly<Record<string, string>> | undefined): ReadonlyArray<string> =>
  annotations?.[renderedKeysAnnotation]?.split(",") ?? []
