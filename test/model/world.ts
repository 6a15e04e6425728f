/**
 * Two clusters as Maps, with just enough of an API server and of ESO to play a history against the real decisions: names
 * taken, preconditions, UIDs and versions, server-side apply's account of who owns which key, ESO making Secrets.
 */
import type { KubeObject, ObjectKey } from "../../src/effects/client/kube-object.ts"
import { keyOf, objectKey } from "../../src/effects/client/kube-object.ts"
import { syncedCaches, syncedKinds } from "../../src/sync/kinds/kinds.ts"
import { wantedCaches } from "../../src/sync/engine/caches.ts"
import type { Caches } from "../../src/sync/engine/caches.ts"
import type { SyncContext } from "../../src/sync/engine/context.ts"
import type { SyncSettings } from "../../src/sync/tenancy/sync-settings.ts"
import { copyOf } from "../../src/sync/engine/copy.ts"
import { wantedCrds } from "../../src/sync/engine/registry.ts"
import type { SyncedKind } from "../../src/sync/engine/synced-kind.ts"
import type { Action, Copy, Side } from "../../src/sync/engine/actions.ts"
import { esoManagedLabel } from "../../src/sync/tenancy/labels.ts"
import { applyMergePatch, jsonEqual } from "../../src/effects/client/merge-patch.ts"
import { defaultPolicy } from "../../src/sync/tenancy/policy.ts"
import { contextOf } from "../../src/sync/engine/target.ts"
import { controllerOf } from "../../src/sync/tenancy/ownership.ts"
import { arrayAt, recordAt, stringAt, stringMapAt, valueAt } from "../../src/effects/client/unstructured.ts"
import type { ModelCaches } from "./recorded-reads.ts"
import { cachesOf } from "./recorded-reads.ts"

const defaultSettings: SyncSettings = {
  externalSecrets: { enabled: true, selector: {} },
  stores: { enabled: false, selector: {} },
  clusterStores: { enabled: true, selector: {} },
  namespaces: { enabled: false, mappingsOnly: false, byName: [] },
  serviceAccounts: false,
  importedSecrets: [],
  webhook: false,
  version: undefined,
}

export const testContext = (changes: Partial<SyncContext> = {}): SyncContext => ({
  ...contextOf(
    {
      vcluster: { name: "vc", namespace: "team-x" },
      settings: changes.settings ?? defaultSettings,
    },
    defaultPolicy,
    "kube-system-uid",
    { pairs: new Map(), specSchema: () => undefined },
    () => "2026-01-01T00:00:00Z",
  ),
  imported: wantedCrds({ kinds: syncedKinds }, changes.settings ?? defaultSettings).map(({ plural }) => plural),
  ...changes,
})

type Kind = string
const idOf = (side: Side, kind: Kind, key: ObjectKey) => `${side}|${kind}|${key}`

/** A refused write: the kind of error that the real API server would answer. */
export class Refused extends Error {
  readonly code: "AlreadyExists" | "Conflict" | "NotFound"
  constructor(code: "AlreadyExists" | "Conflict" | "NotFound") {
    super(code)
    this.code = code
  }
}

export class World {
  readonly objects = new Map<string, KubeObject>()
  readonly context: SyncContext
  private version = 0
  private uid = 0
  writes = 0

  constructor(context: SyncContext = testContext()) {
    this.context = context
    this.put("host", "Service", { apiVersion: "v1", kind: "Service", metadata: { name: "vc", namespace: "team-x" } })
    this.put("host", "ClusterSecretStore", {
      apiVersion: "external-secrets.io/v1",
      kind: "ClusterSecretStore",
      metadata: { name: "store" },
      spec: { provider: { fake: { data: [] } } },
    })
    for (const name of ["default", "b-x-c", "c"])
      this.put("virtual", "Namespace", { apiVersion: "v1", kind: "Namespace", metadata: { name } })
  }

  get(side: Side, kind: Kind, key: ObjectKey): KubeObject | undefined {
    return this.objects.get(idOf(side, kind, key))
  }

  all(side: Side, kind: Kind): Array<KubeObject> {
    return [...this.objects].flatMap(([id, object]) => (id.startsWith(`${side}|${kind}|`) ? [object] : []))
  }

  /** Create or replace as some other client would: new version, UID kept or given. */
  put(side: Side, kind: Kind, object: KubeObject): KubeObject {
    const id = idOf(side, kind, objectKey(object))
    const before = this.objects.get(id)
    this.version += 1
    const stored: KubeObject = {
      ...object,
      metadata: {
        ...object.metadata,
        uid: before?.metadata.uid ?? `uid-${++this.uid}`,
        resourceVersion: String(this.version),
        generation: (before?.metadata.generation ?? 0) + (jsonEqual(before?.["spec"], object["spec"]) ? 0 : 1),
      },
    }
    this.objects.set(id, stored)
    return stored
  }

  /** Delete as some other client would, with the garbage collection that follows. */
  remove(side: Side, kind: Kind, key: ObjectKey): void {
    const gone = this.get(side, kind, key)
    this.objects.delete(idOf(side, kind, key))
    if (gone === undefined) return
    for (const [id, object] of this.objects)
      if (id.startsWith(`${side}|`) && controllerOf(object)?.uid === gone.metadata.uid) this.objects.delete(id)
  }

  /** What reflectors would hold now. @param whole with all that is dropped of objects of which only the metadata is kept */
  modelCaches(whole = false): ModelCaches {
    return new Map(
      wantedCaches(syncedCaches, this.context).map(({ cache, spec }) => {
        const objects = this.all(cache.side, spec.resource.kind)
          .filter((object) => selected(spec.selection.labelSelector, (key) => object.metadata.labels?.[key]))
          .filter((object) => selected(spec.selection.fieldSelector, (path) => valueAt(object, ...path.split("."))))
          .map((object) =>
            whole && spec.selection.metadataOnly === true ? object : (spec.transform?.(object) ?? object),
          )
        return [cache, { objects, indexes: spec.indexes }]
      }),
    )
  }

  caches(): Caches {
    return cachesOf(this.modelCaches())
  }

  /** Carries an action out as the API server would. */
  perform(action: Action): void {
    this.writes += 1
    const { side, resource } = action
    if (action._tag === "Create") {
      if (this.get(side, resource.kind, objectKey(action.body)) !== undefined) throw new Refused("AlreadyExists")
      this.put(side, resource.kind, action.body)
      return
    }
    if (action._tag === "Copy") return this.copy(action)
    if (action._tag === "Apply") {
      const before = this.get(side, resource.kind, objectKey(action.body))
      if (before?.metadata.uid !== action.previous?.metadata.uid) throw new Refused("Conflict")
      return this.apply(side, resource.kind, action.body, action.manager)
    }
    const key = objectKey(action.current)
    const standing = this.get(side, resource.kind, key)
    if (standing === undefined) throw new Refused("NotFound")
    if (standing.metadata.uid !== action.current.metadata.uid) throw new Refused("Conflict")
    if (action._tag === "Status") {
      this.put(side, resource.kind, { ...standing, status: action.status })
      return
    }
    if (standing.metadata.resourceVersion !== action.current.metadata.resourceVersion) throw new Refused("Conflict")
    if (action._tag === "Delete") return this.remove(side, resource.kind, key)
    const patched = recordAt(applyMergePatch(standing, action.patch))
    if (patched !== undefined) this.put(side, resource.kind, { ...standing, ...patched })
  }

  private copy({ side, resource, source, body, current }: Copy): void {
    const read = this.get("virtual", resource.kind, objectKey(source))
    if (read === undefined || read.metadata.uid !== source.metadata.uid) return
    const standing = this.get(side, resource.kind, objectKey(body))
    if (standing?.metadata.resourceVersion !== current?.metadata.resourceVersion) throw new Refused("Conflict")
    this.put(side, resource.kind, { ...standing, ...copyOf(body, read) })
  }

  private apply(side: Side, kind: Kind, body: KubeObject, manager: string): void {
    const before = this.get(side, kind, objectKey(body))
    const owned = names(stringMapAt(body, "data"))
    this.put(side, kind, {
      ...before,
      ...body,
      metadata: {
        ...body.metadata,
        managedFields: [
          {
            manager,
            operation: "Apply",
            fieldsV1: {
              "f:data": owned,
              "f:metadata": {
                "f:labels": names(body.metadata.labels),
                "f:annotations": names(body.metadata.annotations),
              },
            },
          },
        ],
      },
    })
  }

  /** ESO's turn: makes the Secret of every host ExternalSecret and says so in its status. */
  runOperator(): void {
    for (const external of this.all("host", "ExternalSecret")) {
      const name = stringAt(external, "spec", "target", "name") ?? external.metadata.name
      const standing = this.get("host", "Secret", keyOf("team-x", name))
      const mine = standing === undefined || controllerOf(standing)?.uid === external.metadata.uid
      const value = wantedValue(external)
      if (mine && stringAt(standing, "data", "value") !== value)
        this.put("host", "Secret", {
          apiVersion: "v1",
          kind: "Secret",
          metadata: {
            name,
            namespace: "team-x",
            labels: { [esoManagedLabel]: "true" },
            ownerReferences: [
              {
                apiVersion: "external-secrets.io/v1",
                kind: "ExternalSecret",
                name: external.metadata.name,
                uid: external.metadata.uid ?? "",
                controller: true,
              },
            ],
          },
          type: "Opaque",
          data: { value },
        })
      const status = {
        binding: { name },
        conditions: [
          {
            type: "Ready",
            status: mine ? "True" : "False",
            reason: mine ? "SecretSynced" : "SecretSyncedError",
            message: name,
          },
        ],
      }
      if (JSON.stringify(external["status"]) !== JSON.stringify(status))
        this.put("host", "ExternalSecret", { ...external, status })
      for (const other of this.all("host", "Secret"))
        if (controllerOf(other)?.uid === external.metadata.uid && other.metadata.name !== name)
          this.remove("host", "Secret", objectKey(other))
    }
  }
}

/** What the model's ESO puts into the Secret: the key that the spec asks for. */
export const wantedValue = (external: KubeObject): string =>
  stringAt(arrayAt(external, "spec", "data")[0], "remoteRef", "key") ?? ""

/** FieldsV1 of a map's keys. */
const names = (entries: Readonly<Record<string, string>> | undefined) =>
  Object.fromEntries(Object.keys(entries ?? {}).map((key) => [`f:${key}`, {}]))

/** Only the forms that our caches use: `a=b` and `a!=b`, joined by commas. */
const selected = (query: string | undefined, valueOf: (key: string) => unknown): boolean =>
  (query ?? "").split(",").every((requirement) => {
    const match = /^(.+?)(!?=)(.*)$/.exec(requirement)
    if (match === null) return true
    const [, key = "", operator, value] = match
    return (valueOf(key) === value) === (operator === "=")
  })

const nothingRemembered = { refusedWrite: undefined }

/** One round of all keys of some kinds; stops after `limit` writes, as a process that is killed does. Returns the writes made. */
export const round = (world: World, kinds: ReadonlyArray<SyncedKind>, limit = Number.POSITIVE_INFINITY): number => {
  const before = world.writes
  for (const kind of kinds)
    for (const key of kind.keys(world.caches(), world.context))
      for (const action of kind.decide(key, world.caches(), world.context, nothingRemembered).actions) {
        if (world.writes - before >= limit) return world.writes - before
        try {
          world.perform(action)
        } catch (error) {
          if (error instanceof Refused) break
          throw error
        }
      }
  return world.writes - before
}
