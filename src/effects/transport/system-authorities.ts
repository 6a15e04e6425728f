/**
 * Whom a client trusts that names no authority of its own: the runtime's bundle, as it always did, and what the administrator of this
 * machine added to the system's. kubectl trusts the system; a company's own root is found nowhere else.
 */
import { Result } from "effect"
import * as tls from "node:tls"

let known: ReadonlyArray<string> | undefined

const bundle = (which: "default" | "system"): ReadonlyArray<string> =>
  Result.getOrElse(
    Result.try(() => tls.getCACertificates(which)),
    () => [],
  )

/**
 * PEM. Read once, when it is first needed: the system's keychain takes its time.
 *
 * @returns undefined where the runtime cannot tell (Node before 22.15): its bundle then counts alone
 */
export const systemAuthorities = (): Array<string> | undefined => {
  if (!("getCACertificates" in tls)) return undefined
  known ??= [...new Set([...bundle("default"), ...bundle("system")])]
  return known.length === 0 ? undefined : [...known]
}
