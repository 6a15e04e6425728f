/** What a search for an External Secrets Operator inside the virtual cluster has found. */

/** A sign of one. Its chart makes a Deployment; there is a Lease only with leader election, which is off by default. */
export interface OperatorTrace {
  /** `Deployment external-secrets/external-secrets`. */
  readonly name: string
  /** The Deployment has a ready pod; the Lease is held and was renewed in time. */
  readonly isAlive: boolean
}

export interface OperatorSearch {
  readonly traces: ReadonlyArray<OperatorTrace>
  /** What rights keep from us: `Deployment`, `Lease`. */
  readonly hidden: ReadonlyArray<string>
}
