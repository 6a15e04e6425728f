/**
 * Asks again, before a list of the virtual cluster is believed, whether it is still the same cluster: an API server may be
 * replaced while we run, and the first thing that we would see of it is that everything is gone.
 */
import { named } from "../../effects/client/field-selector.ts"
import { Effect, type Exit, Semaphore } from "effect"
import type { ApiError } from "../../effects/client/api-error.ts"
import type { KubeClient } from "../../effects/client/kube-client.ts"
import { orUndefined } from "../../effects/client/ignore-not-found.ts"
import type { KubeObject } from "../../effects/client/kube-object.ts"
import type { Anchor, IdentityMismatch } from "./identity.ts"
import { anchorName, anchorNamespace, anchorObject, checkIdentity } from "./identity.ts"
import { configMaps, namespaces } from "../resources.ts"

export interface IdentityGuard {
  /**
   * For a list that is complete, and not believed yet: fails when it is another cluster's, or when that cannot be found out now.
   *
   * @param listVersion resourceVersion of the list
   */
  readonly check: (listVersion: string) => Effect.Effect<void, ApiError | IdentityMismatch>
  /** A resourceVersion that was seen of the virtual cluster. */
  readonly saw: (resourceVersion: string) => void
  readonly highest: () => string | undefined
}

interface Options {
  readonly virtual: KubeClient
  readonly uid: string
  readonly expected: Anchor
  /** Highest resourceVersion known from earlier runs. */
  readonly highest: string | undefined
}

const isVersion = (text: string): boolean => /^\d+$/.test(text)

const isHigher = (candidate: string, than: string | undefined): boolean =>
  isVersion(candidate) && (than === undefined || BigInt(candidate) > BigInt(than))

/** Whether this is a version of a store that has come as far as `highest`. */
const reaches = (version: string, highest: string | undefined): boolean =>
  isVersion(version) && (highest === undefined || !isHigher(highest, version))

/**
 * One question for all who ask at about the same time. An answer counts for those only who had come before the question was sent: it has
 * to be younger than the list that it vouches for. Whoever comes while one is under way waits for the next.
 */
const shared = <A, E>(question: Effect.Effect<A, E>): Effect.Effect<A, E> => {
  const one = Semaphore.makeUnsafe(1)
  let moment = 0
  let last: { readonly sent: number; readonly answer: Exit.Exit<A, E> } | undefined
  return Effect.suspend(() => {
    const came = ++moment
    return one.withPermits(1)(
      Effect.suspend((): Effect.Effect<A, E> => {
        if (last !== undefined && last.sent > came) return last.answer
        const sent = ++moment
        return Effect.flatMap(Effect.exit(question), (answer) => {
          last = { sent, answer }
          return answer
        })
      }),
    )
  })
}

interface Found {
  readonly uid: string
  readonly anchor: KubeObject | undefined
  /** Of the whole store, where it was asked for. */
  readonly resourceVersion: string | undefined
}

const foundIn = (namespace: KubeObject, anchor: KubeObject | undefined, resourceVersion?: string): Found => ({
  uid: namespace.metadata.uid ?? "",
  anchor,
  resourceVersion,
})

const askFor = (virtual: KubeClient) => {
  const kubeSystem = virtual.get(namespaces, { name: anchorNamespace }, { metadataOnly: true })
  const anchor = virtual.get(configMaps, { namespace: anchorNamespace, name: anchorName }).pipe(orUndefined)
  const anchors = virtual.list(configMaps, { namespace: anchorNamespace, fieldSelector: named(anchorName) })
  return {
    identity: shared(
      Effect.map(Effect.all([kubeSystem, anchor], { concurrency: 2 }), ([namespace, standing]) =>
        foundIn(namespace, standing),
      ),
    ),
    /** A consistent list waits until the server's cache has caught up with its storage: some 0.1 s where nothing happens. */
    identityAndVersion: shared(
      Effect.map(Effect.all([kubeSystem, anchors], { concurrency: 2 }), ([namespace, { items, resourceVersion }]) =>
        foundIn(namespace, items[0], resourceVersion),
      ),
    ),
  }
}

export const makeIdentityGuard = ({ virtual, uid, expected, highest: known }: Options): IdentityGuard => {
  let highest = known
  const ask = askFor(virtual)
  const saw = (resourceVersion: string) => {
    if (isHigher(resourceVersion, highest)) highest = resourceVersion
  }
  /**
   * A store that went back shows in the version of the list itself. One that is lower proves nothing (another watch may have seen more
   * meanwhile, and what somebody else's server lists has versions of its own): then the store is asked.
   */
  const check = Effect.fnUntraced(function* (listVersion: string) {
    // What was seen before the question: a version that another watch sees meanwhile proves nothing.
    const before = highest
    const found = yield* reaches(listVersion, before) ? ask.identity : ask.identityAndVersion
    const resourceVersion = found.resourceVersion ?? listVersion
    const mismatch = checkIdentity({
      uid: found.uid,
      knownUid: uid,
      anchor: found.anchor,
      expected,
      resourceVersion,
      highestResourceVersion: before,
    })
    if (mismatch !== undefined) return yield* mismatch
    if (found.resourceVersion !== undefined) saw(found.resourceVersion)
    return undefined
  })
  return { check, saw, highest: () => highest }
}

/**
 * Writes the anchor, also over one that was emptied or (accepted by the operator) names another host; only over that one: a
 * Conflict says that somebody else has written since we looked.
 */
export const writeAnchor = (
  virtual: KubeClient,
  anchor: Anchor,
  standing: KubeObject | undefined,
): Effect.Effect<void, ApiError> => {
  const { uid, resourceVersion } = standing?.metadata ?? {}
  const onto = standing === undefined ? { onlyNew: true } : { uid, resourceVersion }
  return Effect.asVoid(virtual.apply(configMaps, anchorObject(anchor), { force: true, ...onto }))
}
