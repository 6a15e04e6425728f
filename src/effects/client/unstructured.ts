/** Reading JSON whose shape nobody has promised. A missing or wrong-typed step reads as absent. */
export type JsonRecord = Readonly<Record<string, unknown>>

export const isRecord = (value: unknown): value is JsonRecord =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** The value at the path. Own properties only: a tenant may choose keys such as `constructor`. */
export const valueAt = (value: unknown, ...path: ReadonlyArray<string>): unknown => {
  let current = value
  for (const step of path) {
    if (!isRecord(current) || !Object.hasOwn(current, step)) return undefined
    current = current[step]
  }
  return current
}

export const recordAt = (value: unknown, ...path: ReadonlyArray<string>): JsonRecord | undefined => {
  const found = valueAt(value, ...path)
  return isRecord(found) ? found : undefined
}

export const arrayAt = (value: unknown, ...path: ReadonlyArray<string>): ReadonlyArray<unknown> => {
  const found = valueAt(value, ...path)
  return Array.isArray(found) ? found : []
}

export const stringAt = (value: unknown, ...path: ReadonlyArray<string>): string | undefined => {
  const found = valueAt(value, ...path)
  return typeof found === "string" ? found : undefined
}

/** A map of strings (labels, Secret data); entries of other types are left out. */
export const stringMapAt = (value: unknown, ...path: ReadonlyArray<string>): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(recordAt(value, ...path) ?? {}).filter(
      (entry): entry is [string, string] => typeof entry[1] === "string",
    ),
  )

/** The entries in one order, whatever the server's: for hashes. */
export const sortedEntries = (
  entries: Readonly<Record<string, string>> | undefined,
): ReadonlyArray<readonly [string, string]> =>
  Object.entries(entries ?? {}).toSorted(([one], [other]) => (one < other ? -1 : 1))
