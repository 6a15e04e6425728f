/** The commands that would grant what an API server has just refused. */
import type { ApiError } from "../../effects/client/api-error.ts"

/** `word` for a POSIX shell, quoted when it must be. */
export const shellWord = (word: string): string =>
  /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`

const subject = (user: string): string => {
  const account = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(user)
  return account === null
    ? `--user=${shellWord(user)}`
    : `--serviceaccount=${shellWord(`${account[1] ?? ""}:${account[2] ?? ""}`)}`
}

/** Part of the names, so that two users who are told the same do not get in each other's way. */
const tagOf = (user: string): string => (user.split(":").at(-1) ?? "").replaceAll(/[^\w.@-]/g, "-")

/** A Role of a namespace can also grant what is asked about the Namespace object itself. */
const scopeOf = (error: ApiError): string | undefined =>
  error.resource === "namespaces" && Object.hasOwn(error, "name") ? error.name : error.namespace

/**
 * Two kubectl commands for the one rule that was missing, to be run by an administrator of the cluster that refused; undefined when the
 * refused request is about a raw path or nobody knows who asked. Impersonation is refused before the request itself, so nothing can
 * be said there.
 */
export const grantCommand = (error: ApiError, user: string | undefined): string | undefined => {
  if (user === undefined || error.resource.startsWith("/") || error.verb === "impersonate") return undefined
  const namespace = scopeOf(error)
  const scope = namespace === undefined ? "" : ` -n ${shellWord(namespace)}`
  const role = namespace === undefined ? "clusterrole" : "role"
  const name = `vcluster-es-${error.verb}-${error.resource.split(/[./]/)[0] ?? ""}-${tagOf(user)}`
  const commands = [
    `kubectl create ${role} ${name} --verb=${error.verb} --resource=${shellWord(error.resource)}${scope}`,
    `kubectl create ${role}binding ${name} --${role}=${name} ${subject(user)}${scope}`,
  ].join(" && ")
  // kubectl's context is the host's.
  return error.cluster === "host" ? commands : `in the ${error.cluster} cluster:\n${commands}`
}
