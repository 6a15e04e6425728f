/**
 * The Secret that an ExternalSecret has as its target in the virtual cluster: what the ExternalSecret's decision asks for. The
 * rules are those of the row Secret.
 */
import type { KubeObject, OwnerReference } from "../../effects/client/kube-object.ts"
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
  /** What ESO made of its last refresh is there already: until the next one it does not look at labels and annotations. */
  readonly isCarriedOver: boolean
}

export interface TargetSecrets {
  /** Brings `current` to what should stand there. */
  readonly apply: (target: VirtualTarget, current: KubeObject | undefined) => ReadonlyArray<Action>
  /** For one of which only the metadata is known: brings it into the cache with all that it holds. */
  readonly lookInto: (unmanaged: KubeObject) => ReadonlyArray<Action>
  /** Takes ESO's mark off of whom it was made for. */
  readonly unmark: (marked: KubeObject) => ReadonlyArray<Action>
  /**
   * Those of the claimed ones go that we made for the ExternalSecret of this name.
   *
   * @param isRevoked whether that counts for the mass-deletion stop
   */
  readonly remove: (
    claimed: ReadonlyArray<KubeObject>,
    externalSecret: string,
    isRevoked: boolean,
  ) => ReadonlyArray<Action>
  /** Whether what ESO fetched is not in the Secret, nor can be, since it is immutable. */
  readonly isFrozenOut: (target: VirtualTarget, current: KubeObject) => boolean
  /** Whether the template asks for a type that the Secret does not have, and cannot get. */
  readonly hasOtherType: (target: VirtualTarget, current: KubeObject) => boolean
  /** Of one that ESO would not fetch again: whether it still is as we wrote it; undefined: it is no such one. */
  readonly heldValue: (target: VirtualTarget, current: KubeObject) => "kept" | "edited" | undefined
  /** Where the spec has a text for labels or annotations that, rendered, is no map of them. */
  readonly unreadableText: (target: VirtualTarget) => string | undefined
  /** Whether ESO has written since we did. */
  readonly isOlderThanSource: (target: VirtualTarget, current: KubeObject) => boolean
}

export const isExternalSecret = ({ apiVersion, kind }: OwnerReference): boolean =>
  kind === "ExternalSecret" && apiVersion.startsWith("external-secrets.io/")

/** ESO knows itself by group, kind and name, so that a successor of the same name goes on. */
export const isControlledBy = (secret: KubeObject, externalSecret: KubeObject): boolean => {
  const controller = controllerOf(secret)
  return controller !== undefined && isExternalSecret(controller) && controller.name === externalSecret.metadata.name
}
