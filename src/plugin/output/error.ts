/** From whatever failed to what the user reads: `Error: WHAT: WHY`, a fix, and the exit code (DESIGN §8). */
import { Cause, Predicate, Runtime } from "effect"
import { ApiError } from "../../effects/client/api-error.ts"
import { LeaseHeld } from "../../effects/leader-election/leader-election.ts"
import { installEso } from "../../sync/engine/errors.ts"
import { escapeLines } from "./escape.ts"
import { exitCodes } from "../../effects/exit-codes.ts"
import { grantCommand } from "./grant.ts"
import { paint, type Style, toLocale } from "./style.ts"

export interface Explanation {
  readonly message: string
  readonly fix?: string
  readonly exitCode: number
}

const nameMismatch = new Set(["ERR_TLS_CERT_ALTNAME_INVALID", "HOSTNAME_MISMATCH"])

/** A flag of ours for the virtual cluster has another name than kubectl's for the host. */
const untrustedFix = (error: ApiError, code: string): string => {
  if (error.cluster !== "host")
    return "use a kubeconfig whose certificate-authority-data belongs to that server: --virtual-kubeconfig FILE"
  return nameMismatch.has(code)
    ? "give the name that the certificate bears: --tls-server-name NAME"
    : "give the authority that signed its certificate: --certificate-authority FILE"
}

const esoMissing = (resource: string): Explanation => ({
  message: `External Secrets Operator is not installed on the host: no CRD ${resource}`,
  fix: installEso,
  exitCode: exitCodes.badNews,
})

/** We make the CRDs there ourselves, so one without our version is somebody else's. */
const notServedVirtually = (resource: string): Explanation => ({
  message: `the virtual cluster does not serve ${resource} in the version that is synced: its CRD was installed by somebody else`,
  fix: "upgrade or remove the External Secrets Operator inside the virtual cluster, or choose a version that both serve: integrations.externalSecrets.version",
  exitCode: exitCodes.badNews,
})

const isEsoResource = (resource: string): boolean => resource.endsWith("external-secrets.io")

/** `Error.prototype.name` shines through where no object is named. */
const objectName = (error: ApiError): string | undefined => (Object.hasOwn(error, "name") ? error.name : undefined)

const notAllowed = (error: ApiError, user: string | undefined): Explanation => {
  const where = error.namespace === undefined ? "" : ` in namespace ${error.namespace}`
  const name = objectName(error)
  const what = name === undefined ? error.resource : `${error.resource} ${name}`
  const cluster = error.cluster === "host" ? "" : ` of the ${error.cluster} cluster`
  const by = user === undefined ? "" : ` (as user ${user})`
  const fix = grantCommand(error, user)
  return {
    message: `not allowed: ${error.verb} ${what}${where}${cluster}${by}`,
    ...(fix === undefined ? {} : { fix }),
    exitCode: exitCodes.cluster,
  }
}

/** Names the request, for errors that tell nothing without it. */
const requestFailed = (error: ApiError): Explanation => ({ message: error.message, exitCode: exitCodes.cluster })

const refusing = (message: string, fix?: string): Explanation => ({
  message,
  ...(fix === undefined ? {} : { fix }),
  exitCode: exitCodes.cluster,
})

/** @param error any failure of a request */
export const explainApiError = (error: ApiError): Explanation => {
  const { reason } = error
  const server = `${error.cluster} API server ${error.server}`
  switch (reason._tag) {
    case "Unreachable":
      return refusing(`${server} does not answer: ${error.detail}`)
    case "Untrusted":
      return refusing(`${server}: ${error.detail}`, untrustedFix(error, reason.code))
    case "Unauthorized":
      return refusing(
        `${server} does not accept the credentials: ${error.detail}`,
        error.cluster === "host"
          ? "log in anew, then check with: kubectl auth whoami"
          : "vcluster connect, or --virtual-kubeconfig FILE",
      )
    case "NoCredentials":
      return refusing(error.detail)
    case "Forbidden":
      return notAllowed(error, reason.user)
    case "NotFound":
      if (!reason.resourceMissing || !isEsoResource(error.resource)) return requestFailed(error)
      return error.cluster === "host" ? esoMissing(error.resource) : notServedVirtually(error.resource)
    case "NotKubernetes":
      return refusing(
        `${server} does not answer as a Kubernetes API server does (HTTP ${reason.status}): ${error.detail}`,
        "check the server's address in the kubeconfig, and what stands between (a proxy, a login page)",
      )
    case "Throttled":
      return refusing(`${server} is overloaded: ${error.detail}`)
    default:
      return requestFailed(error)
  }
}

/** Effects of ours may be used by others, who have another way out. */
const syncerAtWork = "one syncer is enough; to sync from here, stop that one first"

const fixOf = (failure: Error): string | undefined => {
  if (failure instanceof LeaseHeld) return syncerAtWork
  return Predicate.hasProperty(failure, "fix") && Predicate.isString(failure.fix) ? failure.fix : undefined
}

/**
 * What a failure means for the user; `undefined` when it is none of those that we expect: a bug of ours. The classes of errors say
 * what they mean, their exit code, and often a fix; only of a request it depends on what was asked of whom.
 */
export const explainFailure = (failure: unknown): Explanation | undefined => {
  if (failure instanceof ApiError) return explainApiError(failure)
  if (!Predicate.hasProperty(failure, "_tag") || !Predicate.isError(failure)) return undefined
  const fix = fixOf(failure)
  const { message } = failure
  return { message, exitCode: Runtime.getErrorExitCode(failure), ...(fix === undefined ? {} : { fix }) }
}

const internal = (defect: unknown): Explanation => ({
  message: `internal error: ${defect instanceof Error ? defect.message : String(defect)}`,
  fix: "run again with -v=6 to see more; please report it",
  exitCode: exitCodes.badNews,
})

/** One explanation for a cause: the first failure, else the first defect. */
export const explainCause = (cause: Cause.Cause<unknown>): Explanation => {
  if (Cause.hasInterruptsOnly(cause)) return { message: "interrupted", exitCode: exitCodes.interrupted }
  const failure = cause.reasons.find(Cause.isFailReason)
  if (failure !== undefined) return explainFailure(failure.error) ?? internal(failure.error)
  const defect = cause.reasons.find(Cause.isDieReason)
  return internal(defect?.defect)
}

/** The lines for standard error. Server texts can quote what tenants wrote: they are escaped here. */
export const renderExplanation = (style: Style, explanation: Explanation): string => {
  const { message, fix } = explanation
  const lines = [
    `${paint(style, "bad", "Error:")} ${toLocale(style, escapeLines(message)).replaceAll("\n", "\n       ")}`,
  ]
  if (fix !== undefined) lines.push(`  fix: ${toLocale(style, escapeLines(fix)).replaceAll("\n", "\n       ")}`)
  return `${lines.join("\n")}\n`
}
