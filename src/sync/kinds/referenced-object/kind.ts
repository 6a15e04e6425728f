/**
 * Secret and ConfigMap, virtual → host: what a synced spec refers to is copied beside it, kept up to date, and removed with
 * the last reference. Only what the tenant's own namespace holds, and only for specs that no rule refuses (DESIGN §5, §6).
 */
import type { KubeObject, ObjectKey } from "../../../effects/client/kube-object.ts"
import { keyOf, objectKey, splitKey } from "../../../effects/client/kube-object.ts"
import type { Resource } from "../../../effects/client/resource.ts"
import type { Action, Decision } from "../../engine/actions.ts"
import type { Cache, Caches } from "../../engine/caches.ts"
import type { SyncContext } from "../../engine/context.ts"
import { isTrueCopy } from "../../engine/copy.ts"
import type { Source, SyncedKind } from "../../engine/synced-kind.ts"
import { on, synced } from "../../engine/synced-kind.ts"
import { hostService, vclusterService } from "../../engine/vcluster-service.ts"
import type { CopiedKind } from "../../external-secrets/referents.ts"
import { copiesOf, virtualReferent } from "../../external-secrets/referents.ts"
import type { Referrer } from "../../external-secrets/referrer.ts"
import {
  hostReferenceConfigMaps,
  hostReferenceSecrets,
  hostSecrets,
  hostUnmanagedSecrets,
  virtualConfigMaps,
  virtualSecrets,
  virtualUnmanagedSecrets,
} from "../../external-secrets/secret-caches.ts"
import { configMaps, secrets } from "../../resources.ts"
import type { HostLocation } from "../../tenancy/names.ts"
import { isReferencesPlace } from "../../tenancy/names.ts"
import { originKeys } from "../../tenancy/ownership.ts"
import { referenceKey } from "../../tenancy/references.ts"
import { copyWithoutData } from "./to-host.ts"

type Referrers = ReadonlyArray<Referrer>

/** One of the two kinds, and where its objects are known. */
interface Copied {
  readonly kind: CopiedKind
  readonly resource: Resource
  /** The tenant's objects. */
  readonly originals: ReadonlyArray<Cache>
  readonly copies: Cache
  /** Where on the host something may stand under the name of a copy that is no copy of ours. */
  readonly foreign: ReadonlyArray<Cache>
}

/** Who refers to it is many, and judging them is dear: one that may go to the host is enough. */
const isReferredTo = (
  kind: CopiedKind,
  key: ObjectKey,
  referrers: Referrers,
  caches: Caches,
  context: SyncContext,
): boolean =>
  referrers.some(({ cache, mayGoToHost }) =>
    caches
      .of(cache)
      .byIndex("reference", referenceKey(kind, key))
      .some((object) => mayGoToHost(object, caches, context)),
  )

/** Its keys whose texts become labels or annotations, for specs that may go to the host. */
const renderedKeys = (
  kind: CopiedKind,
  key: ObjectKey,
  referrers: Referrers,
  caches: Caches,
  context: SyncContext,
): ReadonlyArray<string> =>
  referrers.flatMap(({ cache, mayGoToHost, referents }) =>
    caches
      .of(cache)
      .byIndex("reference", referenceKey(kind, key))
      .flatMap((object) => {
        const rendered = referents(object, context)
          .filter((referent) => referent.kind === kind && referent.name === splitKey(key).name)
          .flatMap((referent) => referent.rendered ?? [])
        return rendered.length > 0 && mayGoToHost(object, caches, context) ? rendered : []
      }),
  )

const remove = (resource: Resource, copies: ReadonlyArray<KubeObject>): ReadonlyArray<Action> =>
  copies
    .filter((copy) => copy.metadata.deletionTimestamp === undefined)
    .map((current) => ({ _tag: "Delete", side: "host", resource, current, becauseAbsent: false }))

interface Observed {
  readonly key: ObjectKey
  readonly context: SyncContext
  readonly service: KubeObject | undefined
  /** The tenant's own; undefined: there is none. */
  readonly source: KubeObject | undefined
  readonly location: HostLocation | undefined
  /** Whether a spec refers to it that may go to the host. */
  readonly isReferredTo: boolean
  /** Keys of it whose texts become labels or annotations. */
  readonly rendered: ReadonlyArray<string>
  /** Its copies; more than one after a change of the namespace mapping, or of the names that we give. */
  readonly copies: ReadonlyArray<KubeObject>
  /** Among the copies of whatever object, the one that stands where this one's should. */
  readonly standing: KubeObject | undefined
}

interface Desired {
  readonly copy: { readonly source: KubeObject; readonly body: KubeObject } | undefined
}

const observeWith =
  ({ kind }: Copied, referrers: Referrers) =>
  (key: ObjectKey, caches: Caches, context: SyncContext): Observed => {
    const { name, namespace = "" } = splitKey(key)
    const source = virtualReferent(kind, key, caches)
    const location = context.locateReference(name, namespace)
    // Whoever refers to it is judged for that: only where it matters.
    const isWanted =
      source !== undefined && location !== undefined && isReferredTo(kind, key, referrers, caches, context)
    return {
      key,
      context,
      service: vclusterService(caches, context),
      source,
      location,
      isReferredTo: isWanted,
      rendered: isWanted ? renderedKeys(kind, key, referrers, caches, context) : [],
      copies: copiesOf(kind, caches).byIndex("origin", key),
      standing:
        location === undefined ? undefined : copiesOf(kind, caches).get(keyOf(location.namespace, location.name)),
    }
  }

const desireOf =
  ({ kind }: Copied) =>
  ({ context, location, service, source, ...observed }: Observed): Desired => ({
    copy:
      source === undefined ||
      source.metadata.deletionTimestamp !== undefined ||
      location === undefined ||
      !observed.isReferredTo
        ? undefined
        : { source, body: copyWithoutData(source, location, kind, context.tenancy, service, observed.rendered) },
  })

const diffOf =
  ({ resource }: Copied) =>
  ({ copies, standing }: Observed, { copy }: Desired): ReadonlyArray<Action> => {
    if (copy === undefined) return remove(resource, copies)
    const { source, body } = copy
    const current = copies.find((each) => objectKey(each) === objectKey(body))
    if (current !== undefined && isTrueCopy(current, source, body))
      return remove(
        resource,
        copies.filter((each) => each !== current),
      )
    // Somebody else's: whoever refers to it is refused, and says so. Copies elsewhere (the namespace mapping has changed, or an earlier
    // version named them) go once there is one that replaces them.
    return current === undefined && standing !== undefined
      ? []
      : [{ _tag: "Copy", side: "host", resource, source, body, current }]
  }

/** No verdict: whoever refers to it tells how it stands. */
const reportOf =
  ({ kind }: Copied) =>
  ({ key, source }: Observed): Omit<Decision, "actions"> => {
    const { name, namespace } = splitKey(key)
    return {
      verdict: undefined,
      ...(source === undefined && kind === "Secret"
        ? { restsOnAbsentSecret: { namespace: namespace ?? "", name } }
        : {}),
    }
  }

/** The keys of one kind that objects refer to. */
const keysIn = (
  kind: CopiedKind,
  { namespaceOf, referents }: Referrer,
  objects: Iterable<KubeObject>,
  context: SyncContext,
): ReadonlyArray<ObjectKey> =>
  [...objects].flatMap((object) =>
    referents(object, context)
      .filter((referent) => referent.kind === kind)
      .map(({ name }) => keyOf(namespaceOf(object, context), name)),
  )

const allKeys = (
  kind: CopiedKind,
  referrers: Referrers,
  caches: Caches,
  context: SyncContext,
): ReadonlySet<ObjectKey> =>
  new Set([
    ...[...copiesOf(kind, caches).values()].flatMap((copy) => originKeys(copy, context.tenancy, isReferencesPlace)),
    ...referrers.flatMap((referrer) => keysIn(kind, referrer, caches.of(referrer.cache).values(), context)),
  ])

/** The keys whose copies need a place on the host: what stands there may be in the way of others than its own origin. */
const keysAt = (
  kind: CopiedKind,
  place: ObjectKey,
  referrers: Referrers,
  caches: Caches,
  context: SyncContext,
): ReadonlyArray<ObjectKey> =>
  referrers.flatMap((referrer) =>
    keysIn(kind, referrer, caches.of(referrer.cache).byIndex("hostReference", referenceKey(kind, place)), context),
  )

const concerns = (kind: CopiedKind, key: ObjectKey, referrers: Referrers, caches: Caches): boolean =>
  referrers.some(({ cache }) => caches.of(cache).byIndex("reference", referenceKey(kind, key)).length > 0) ||
  copiesOf(kind, caches).byIndex("origin", key).length > 0

/** Who refers to it, and what those may use. */
const referrerSources = (kind: CopiedKind, referrer: Referrer): ReadonlyArray<Source> => [
  on(referrer.cache, (object, _caches, context) => keysIn(kind, referrer, [object], context)),
  ...referrer.judgedBy.map(({ cache, judged }) =>
    on(cache, (changed, caches, context) => keysIn(kind, referrer, judged(changed, caches), context)),
  ),
]

const sourcesOf = ({ kind, originals, copies, foreign }: Copied, referrers: Referrers): ReadonlyArray<Source> => {
  const under = (object: KubeObject, caches: Caches, context: SyncContext) =>
    keysAt(kind, objectKey(object), referrers, caches, context)
  return [
    // Of all the Secrets and ConfigMaps of a cluster, only a few are anybody's concern.
    ...originals.map((cache) =>
      on(cache, (object, caches) => (concerns(kind, objectKey(object), referrers, caches) ? [objectKey(object)] : [])),
    ),
    on(copies, (object, caches, context) => [
      ...originKeys(object, context.tenancy, isReferencesPlace),
      ...under(object, caches, context),
    ]),
    // When something foreign under the name of a copy goes, the copy can be made.
    ...foreign.map((cache) => on(cache, under)),
    ...referrers.flatMap((referrer) => referrerSources(kind, referrer)),
    on(hostService, (_object, caches, context) => allKeys(kind, referrers, caches, context)),
  ]
}

const copiedKind = (copied: Copied, referrers: Referrers): SyncedKind => {
  const sources = sourcesOf(copied, referrers)
  return synced<Observed, Desired>({
    kind: copied.kind,
    caches: sources.map(({ cache }) => cache),
    sources,
    keys: (caches, context) => allKeys(copied.kind, referrers, caches, context),
    observe: observeWith(copied, referrers),
    desire: desireOf(copied),
    diff: diffOf(copied),
    report: reportOf(copied),
  })
}

/** @param referrers the kinds whose specs refer to Secrets */
export const makeReferencedSecretKind = (referrers: Referrers): SyncedKind =>
  copiedKind(
    {
      kind: "Secret",
      resource: secrets,
      originals: [virtualSecrets, virtualUnmanagedSecrets],
      copies: hostReferenceSecrets,
      foreign: [hostSecrets, hostUnmanagedSecrets],
    },
    referrers,
  )

/** @param referrers the kinds whose specs refer to ConfigMaps */
export const makeReferencedConfigMapKind = (referrers: Referrers): SyncedKind =>
  copiedKind(
    {
      kind: "ConfigMap",
      resource: configMaps,
      originals: [virtualConfigMaps],
      copies: hostReferenceConfigMaps,
      foreign: [],
    },
    referrers,
  )
