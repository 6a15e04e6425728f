/** Where an API server is and how to prove who we are: what a session is opened from. */
import { Runtime, Schema } from "effect"
import type { Effect } from "effect"
import { exitCodes } from "../exit-codes.ts"

/** One set of credentials; a session that was opened with it never changes it. */
export interface Credentials {
  /** PEM; undefined: the authorities of the system and of the runtime. */
  readonly ca: string | undefined
  readonly cert: string | undefined
  readonly key: string | undefined
  /** `authorization` and the impersonation headers, names in lower case. */
  readonly headers: Readonly<Record<string, string | ReadonlyArray<string>>>
}

export interface ConnectionSource {
  /** Name of the kubeconfig's context; undefined inside a pod. */
  readonly context: string | undefined
  /** A pod's service account in its own cluster: names of Services resolve. */
  readonly inCluster?: boolean
  /** Namespace that the context (or the pod) stands in. */
  readonly namespace: string | undefined
  /** `https://host:port[/prefix]` without a trailing slash. */
  readonly server: string
  readonly serverName: string | undefined
  readonly insecure: boolean
  /** HTTP proxy of the kubeconfig (`proxy-url`); undefined: see the environment. */
  readonly proxyUrl: string | undefined
  /**
   * Asked before a session is opened and once a minute, because token files and certificates are replaced in time; and with
   * `renew` after a 401, when nothing that an exec plugin gave before is good any more.
   */
  readonly credentials: (renew: boolean) => Effect.Effect<Credentials, KubeconfigError>
  /**
   * Reads again what this was read from (a kubeconfig, a Secret): what it says now, or this very source where nothing has changed.
   * Asked after a failure only: a 401, or a session that cannot be opened. Undefined: there is nothing to read again.
   */
  readonly reload?: Effect.Effect<ConnectionSource, KubeconfigError> | undefined
}

/** A kubeconfig that cannot be used. The message is complete: it names the file and what is wrong. */
export class KubeconfigError extends Schema.TaggedError<KubeconfigError>()("KubeconfigError", {
  message: Schema.String,
}) {
  override readonly [Runtime.errorExitCode] = exitCodes.usage
}
