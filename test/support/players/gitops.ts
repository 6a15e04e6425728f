/** A GitOps tool, as Argo CD and Flux are: claims objects by its marks, prunes what it did not make, puts edits right, replaces by force. */
import { Effect, type Scope } from "effect"
import type { ControlPlane } from "../../clusters/control-plane.ts"
import { GroundError } from "../../clusters/errors.ts"
import type { HostGround } from "../../clusters/ground.ts"
import type { KubeObject } from "../../../src/effects/client/kube-object.ts"
import type { Selection } from "../../../src/effects/client/kube-client.ts"
import type { Resource } from "../../../src/effects/client/resource.ts"
import type { Kube } from "../kube.ts"
import type { KubeError } from "../kube-error.ts"
import { play, type Player } from "./player.ts"

/** By label and by annotation, as Argo CD tracks (argo-cd docs, "Resource Tracking"). */
const isTracked = (app: string, { metadata: { labels = {}, annotations = {} } }: KubeObject): boolean =>
  labels["app.kubernetes.io/instance"] === app ||
  labels["argocd.argoproj.io/instance"] === app ||
  annotations["argocd.argoproj.io/tracking-id"]?.startsWith(`${app}:`) === true

/** Deletes whatever bears the marks of its app and is not in git; what has an owner is a child of something else and is let be. */
export const pruning = (
  kube: Kube,
  app: string,
  resource: Resource,
  selection: Selection = {},
): Effect.Effect<Player, KubeError, Scope.Scope> =>
  play("argocd", kube, resource, selection, (object) =>
    isTracked(app, object) &&
    (object.metadata.ownerReferences ?? []).length === 0 &&
    object.metadata.deletionTimestamp === undefined
      ? "delete"
      : undefined,
  )

/** Keeps annotations of an object as git has them. */
export const selfHealing = (
  kube: Kube,
  resource: Resource,
  ref: { readonly namespace: string; readonly name: string },
  annotations: Readonly<Record<string, string>>,
): Effect.Effect<Player, KubeError, Scope.Scope> =>
  play("argocd", kube, resource, { namespace: ref.namespace, fieldSelector: `metadata.name=${ref.name}` }, (object) =>
    Object.entries(annotations).every(([key, value]) => object.metadata.annotations?.[key] === value)
      ? undefined
      : { metadata: { annotations } },
  )

/** Deletes and creates in one move, as `Replace=true,Force=true` and `kubectl replace --force` do: for some milliseconds there is none. */
export const replaceByForce = Effect.fnUntraced(function* (
  ground: Pick<HostGround, "kubectl">,
  cluster: Pick<ControlPlane, "kubeconfig">,
  object: KubeObject,
): Effect.fn.Return<void, GroundError> {
  const { code, stderr } = yield* ground.kubectl(cluster, ["replace", "--force", "-f", "-"], JSON.stringify(object))
  if (code !== 0) return yield* new GroundError({ message: `kubectl replace --force: ${stderr}` })
})
