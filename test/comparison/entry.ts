/** What a row of the comparison is made of: manifests and steps that are applied alike in a plain cluster and in a virtual one. */
import type { Effect } from "effect"
import type { KubeObject } from "../../src/effects/client/kube-object.ts"
import { readyCondition } from "../../src/sync/tenancy/conditions.ts"
import { stringMapAt } from "../../src/effects/client/unstructured.ts"
import type { Kube } from "../support/kube.ts"
import type { KubeError } from "../support/kube-error.ts"

/** One of the two clusters as a tenant sees it. */
export interface Side {
  readonly name: "plain" | "virtual"
  /** The tenant's API server. */
  readonly kube: Kube
  /** The API server where ESO and its ClusterSecretStores are: the same in the plain cluster, the host for the virtual one. */
  readonly operator: Kube
  /** The row's own namespace; the same name on both sides. */
  readonly namespace: string
  /** The row's own ClusterSecretStore, where it has one; the same name on both sides. */
  readonly store: string
}

/** What is in the row's namespace. */
export interface State {
  readonly externalSecrets: ReadonlyArray<KubeObject>
  readonly secrets: ReadonlyArray<KubeObject>
  readonly events: ReadonlyArray<KubeObject>
}

export interface Step {
  /** What a user does, for the message of a failure. */
  readonly what: string
  readonly act: (side: Side) => Effect.Effect<unknown, KubeError>
  /** How to know that it has had its effect; asked of both sides. */
  readonly until: (state: State) => boolean
  /** Nothing is to happen: both sides first carry an ExternalSecret through that was made after the step. */
  readonly quiet?: true
  /** ESO, which tries again what failed, may look before the next step or not: what stands in between is not compared. */
  readonly mayBeSeen?: true
}

/** A difference of one row that a user would accept. It must be there: one that is not needed any more fails the row. */
export interface RowDifference {
  /** `what` of the step after which it may be there; default: any. */
  readonly after?: string
  /** Of the difference's path, as a failure prints it. */
  readonly path: RegExp
  readonly reason: string
}

export interface Row {
  readonly name: string
  /** Values of a ClusterSecretStore of the row's own, which steps may change; without it, the row uses `store`. */
  readonly store?: Readonly<Record<string, string>>
  readonly steps: ReadonlyArray<Step>
  readonly accepts?: ReadonlyArray<RowDifference>
}

export const named = (objects: ReadonlyArray<KubeObject>, name: string): KubeObject | undefined =>
  objects.find((object) => object.metadata.name === name)

/** The decoded value of a key of a Secret. */
export const valueIn = (state: State, secret: string, key: string): string | undefined => {
  const data = stringMapAt(named(state.secrets, secret), "data")
  return Object.hasOwn(data, key) ? Buffer.from(data[key] ?? "", "base64").toString("utf8") : undefined
}

export type Until = Step["until"]

/** Every ExternalSecret has been reconciled once. */
export const answered: Until = (state) =>
  state.externalSecrets.length > 0 && state.externalSecrets.every((object) => readyCondition(object) !== undefined)

export const reasonIs =
  (reason: string, name = "app"): Until =>
  (state) =>
    readyCondition(named(state.externalSecrets, name))?.reason === reason

export const isNotReady =
  (name = "app"): Until =>
  (state) =>
    readyCondition(named(state.externalSecrets, name))?.status === "False"

export const messageIs =
  (message: string, name = "app"): Until =>
  (state) =>
    readyCondition(named(state.externalSecrets, name))?.message === message

export const valueIs =
  (secret: string, key: string, value: string | undefined): Until =>
  (state) =>
    valueIn(state, secret, key) === value

export const secretIs =
  (secret: string, test: (found: KubeObject) => boolean): Until =>
  (state) => {
    const found = named(state.secrets, secret)
    return found !== undefined && test(found)
  }

export const secretGone =
  (secret: string): Until =>
  (state) =>
    named(state.secrets, secret) === undefined

export const externalSecretGone =
  (name = "app"): Until =>
  (state) =>
    named(state.externalSecrets, name) === undefined

export const all =
  (...conditions: ReadonlyArray<Until>): Until =>
  (state) =>
    conditions.every((condition) => condition(state))
