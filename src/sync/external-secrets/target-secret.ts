/**
 * The Secret that an ExternalSecret has as its target in the virtual cluster: what the ExternalSecret's decision asks for. The
 * rules are those of the row Secret.
 */
import type { KubeObject } from "../../effects/client/kube-object.ts"
import type { Action } from "../engine/actions.ts"
import { controllerOf } from "../tenancy/ownership.ts"
import type { ExternalSecretSpec } from "./external-secret-spec.ts"

export interface VirtualTarget {
  /** The virtual ExternalSecret. */
  readonly owner: KubeObject
  readonly spec: ExternalSecretSpec
  /** Name of the Secret in the virtual cluster. */
  readonly name: string
  /** The Secret that ESO made on the host. */
  readonly source: KubeObject
}

export interface TargetSecrets {
  /** Brings `current` to what should stand there. */
  readonly apply: (target: VirtualTarget, current: KubeObject | undefined) => ReadonlyArray<Action>
  /** For one of which only the metadata is known: brings it into the cache with all that it holds. */
  readonly lookInto: (unmanaged: KubeObject) => ReadonlyArray<Action>
  /** Those of the claimed ones go that we made for the ExternalSecret of this name. */
  readonly remove: (claimed: ReadonlyArray<KubeObject>, externalSecret: string) => ReadonlyArray<Action>
  /** Whether what ESO fetched is not in the Secret, nor can be, since it is immutable. */
  readonly isFrozenOut: (target: VirtualTarget, current: KubeObject) => boolean
  /** Whether the template asks for a type that the Secret does not have, and cannot get. */
  readonly hasOtherType: (target: VirtualTarget, current: KubeObject) => boolean
  /** Where the spec has a text for labels or annotations that, rendered, is no map of them. */
  readonly unreadableText: (target: VirtualTarget) => string | undefined
  /** Whether ESO has written since we did. */
  readonly isOlderThanSource: (target: VirtualTarget, current: KubeObject) => boolean
}

/** ESO knows itself by kind and name, so that a successor of the same name goes on. */
export const isControlledBy = (secret: KubeObject, externalSecret: KubeObject): boolean => {
  const controller = controllerOf(secret)
  return controller?.kind === "ExternalSecret" && controller.name === externalSecret.metadata.name
}
