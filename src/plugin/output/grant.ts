/** The commands that would grant what an API server has just refused. */
import type { ApiError } from "../../effects/api-error.ts"

/** `word` for a POSIX shell, quoted when it must be. */
export const shellWord = (word: string): string =>
  /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`

const subject = (user: string): string => {
  const account = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(user)
  return account === null
    ? `--user=${shellWord(user)}`
    : `--serviceaccount=${shellWord(`${account[1] ?? ""}:${account[2] ?? ""}`)}`
}

/**
 * Two kubectl commands for the one rule that was missing, to be run by an administrator; undefined when the refused request is about
 * a raw path or nobody knows who asked. Impersonation is refused before the request itself, so nothing can be said there.
 */
export const grantCommand = (error: ApiError, user: string | undefined): string | undefined => {
  if (user === undefined || error.resource.startsWith("/") || error.verb === "impersonate") return undefined
  const scope = error.namespace === undefined ? "" : ` -n ${shellWord(error.namespace)}`
  const role = error.namespace === undefined ? "clusterrole" : "role"
  const name = `vcluster-es-${error.verb}-${error.resource.split(/[./]/)[0] ?? ""}`
  return [
    `kubectl create ${role} ${name} --verb=${error.verb} --resource=${shellWord(error.resource)}${scope}`,
    `kubectl create ${role}binding ${name} --${role}=${name} ${subject(user)}${scope}`,
  ].join(" && ")
}
