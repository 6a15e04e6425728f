/** A replicator or reflector: fills Secrets that ask for it by an annotation with what it finds elsewhere. */
import type { Effect, Scope } from "effect"
import { valueOf } from "../synced-pair.ts"
import type { Kube } from "../kube.ts"
import type { KubeError } from "../kube-error.ts"
import { secrets } from "../resources.ts"
import { play, type Player } from "./player.ts"

/** Made up: no real replicator runs on the ground. */
export const replicateFrom = "replicator.example.com/from"

/** The key that it writes, and the value. */
export const foreign = { key: "foreign", value: "s3cr3t of somebody else" }

export const replicating = (kube: Kube, namespace: string): Effect.Effect<Player, KubeError, Scope.Scope> =>
  play("replicator", kube, secrets, { namespace }, (secret) =>
    secret.metadata.annotations?.[replicateFrom] === undefined || valueOf(secret, foreign.key) === foreign.value
      ? undefined
      : { data: { [foreign.key]: btoa(foreign.value) } },
  )
