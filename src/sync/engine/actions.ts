/**
 * What a decision asks for. Plain data: the pure rules make them, the executor carries them out in order and stops at the
 * first that fails. Every change of an existing object names the object that was looked at (UID, resourceVersion), so
 * that the server refuses when something else stands there by now.
 */
import type { KubeObject } from "../../effects/client/kube-object.ts"
import type { Resource } from "../../effects/client/resource.ts"
import type { ObjectRef } from "../../effects/client/kube-client.ts"
import type { Fix, Health } from "../tenancy/object-health.ts"

export type Side = "host" | "virtual"

interface Target {
  readonly side: Side
  readonly resource: Resource
  /** Only while these stand as they were looked at: the API server is asked for them just before. */
  readonly provided?: ReadonlyArray<Provided>
}

/** POST: fails when the name is taken, by whomever. */
export interface Create extends Target {
  readonly _tag: "Create"
  readonly body: KubeObject
}

/** JSON merge patch with preconditions. `current` is what the patch was computed from. */
export interface Patch extends Target {
  readonly _tag: "Patch"
  readonly current: KubeObject
  readonly patch: Readonly<Record<string, unknown>>
}

/**
 * The whole status of exactly this object, whatever its version: a status describes what was just read, and a tenant's edit
 * of the spec in between does not make it wrong. What stands there already is replaced, since nobody else has a say in it.
 */
export interface Status extends Target {
  readonly _tag: "Status"
  readonly current: KubeObject
  readonly status: Readonly<Record<string, unknown>>
}

/**
 * Server-side apply, taking over fields of others (for virtual Secrets, as ESO takes them over). `previous` is what stands
 * there; another object, or none any more, is a Conflict. Without it nothing stands there as far as we know, and anything
 * that does is a Conflict.
 */
export interface Apply extends Target {
  readonly _tag: "Apply"
  readonly body: KubeObject
  /** The field manager: the API server keeps its account of who wrote what under this name. */
  readonly manager: string
  readonly previous: KubeObject | undefined
}

/** An object of the host's that a write rests on. */
export interface Provided {
  readonly resource: Resource
  readonly object: KubeObject
}

/**
 * The data of a virtual Secret or ConfigMap, to the host. The source is read when the action is carried out: no cache
 * holds what tenants keep in their Secrets.
 */
export interface Copy extends Target {
  readonly _tag: "Copy"
  /** The virtual object; its metadata is known, its data is not. */
  readonly source: KubeObject
  /** What should stand on the host, but for the data. */
  readonly body: KubeObject
  readonly current: KubeObject | undefined
}

/** DELETE of exactly `current`. */
export interface Delete extends Target {
  readonly _tag: "Delete"
  readonly current: KubeObject
  /**
   * The reason is that the virtual object is not there. Unless its deletion was seen live, such deletions count towards
   * the mass-deletion stop (DESIGN §7).
   */
  readonly becauseAbsent: boolean
  /** Foreground: the object goes after what it owns. */
  readonly propagation?: "Foreground"
}

export type Action = Create | Patch | Status | Apply | Copy | Delete

/** What an action is about: as it will stand, else as it stands. */
export const objectOf = (action: Action): KubeObject =>
  action._tag === "Patch" || action._tag === "Status" || action._tag === "Delete" ? action.current : action.body

/** The object that an action changes or removes; undefined where it makes one. */
export const standingOf = (action: Action): KubeObject | undefined =>
  action._tag === "Create" ? undefined : action._tag === "Apply" ? action.previous : action.current

export const refOf = (object: KubeObject): ObjectRef => ({
  namespace: object.metadata.namespace,
  name: object.metadata.name,
})

/** An event to be told on an object of the virtual cluster. */
export interface Notice {
  readonly regarding: KubeObject
  readonly type: "Normal" | "Warning"
  readonly reason: string
  readonly message: string
}

/** How an object stands; without one, it is none of our business (not selected, gone). */
export interface Verdict {
  readonly health: Health
  readonly reason: string
  readonly message: string
  readonly since?: string
  readonly fix?: Fix
}

export interface Decision {
  readonly actions: ReadonlyArray<Action>
  readonly verdict: Verdict | undefined
  readonly notice?: Notice
  /**
   * The decision rests on an object of a CRD's not being on the host. That is no wish of anybody's while the host's CRD is
   * terminating or gone (an ESO that is being reinstalled), so the shell looks at it before anything is deleted.
   */
  readonly restsOnAbsent?: {
    /** Of the CRD. */
    readonly plural: string
    /** How things stand meanwhile. */
    readonly otherwise: Verdict
  }
  /**
   * The decision rests on this Secret being nowhere in the virtual cluster. Two watches tell of Secrets: those with our label
   * and the others. One whose label changes goes from one cache before it comes into the other, so the API server is asked before
   * anything is deleted for that.
   */
  readonly restsOnAbsentSecret?: ObjectRef
}

export const nothing: Decision = { actions: [], verdict: undefined }
