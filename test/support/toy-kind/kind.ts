/**
 * A kind that nobody needs: Widget, virtual → host. It shows what adding a kind takes: this folder, and a line in a registry.
 */
import type { KubeObject } from "../../../src/effects/client/kube-object.ts"
import { objectKey } from "../../../src/effects/client/kube-object.ts"
import { mergePatch } from "../../../src/effects/client/merge-patch.ts"
import type { SyncContext } from "../../../src/sync/engine/context.ts"
import { on, synced } from "../../../src/sync/engine/synced-kind.ts"
import type { SyncedKind } from "../../../src/sync/engine/synced-kind.ts"
import { markAnnotations, originKeys } from "../../../src/sync/tenancy/ownership.ts"
import { Refusal } from "../../../src/sync/tenancy/refusals.ts"
import { hostWidgets, virtualWidgets, widgets } from "./caches.ts"

interface Observed {
  readonly context: SyncContext
  readonly virtual: KubeObject | undefined
  readonly current: KubeObject | undefined
}

interface Desired {
  readonly host: KubeObject | undefined
  readonly refusal: Refusal | undefined
}

const desiredWidget = (virtual: KubeObject, context: SyncContext): KubeObject | undefined => {
  const location = context.locate(virtual)
  return location === undefined
    ? undefined
    : {
        apiVersion: "toys.example/v1",
        kind: "Widget",
        metadata: { ...location, annotations: markAnnotations(virtual, context.tenancy) },
        spec: virtual["spec"],
      }
}

export const toyKind: SyncedKind = synced<Observed, Desired>({
  kind: "Widget",
  counted: () => true,
  caches: [virtualWidgets, hostWidgets],
  sources: [
    on(virtualWidgets, (object) => [objectKey(object)]),
    on(hostWidgets, (object, _caches, context) => originKeys(object, context.tenancy)),
  ],
  refusable: [{ side: "host", plural: "widgets", reason: "RefusedByHost" }],
  keys: (caches) => [...caches.of(virtualWidgets).values()].map(objectKey),
  observe: (key, caches, context) => ({
    context,
    virtual: caches.of(virtualWidgets).get(key),
    current: caches.of(hostWidgets).byIndex("origin", key)[0],
  }),
  judge: ({ virtual }) =>
    virtual !== undefined && virtual["spec"] === undefined
      ? new Refusal({ reason: "InvalidSpec", message: "a Widget has a spec" })
      : undefined,
  desire: ({ context, virtual }, refusal) => ({
    host: virtual === undefined || refusal !== undefined ? undefined : desiredWidget(virtual, context),
    refusal,
  }),
  diff: ({ current }, { host }) => {
    const target = { side: "host", resource: widgets } as const
    if (host === undefined)
      return current === undefined ? [] : [{ ...target, _tag: "Delete", current, becauseAbsent: false }]
    if (current === undefined) return [{ ...target, _tag: "Create", body: host }]
    const patch = mergePatch({ spec: current["spec"] }, { spec: host["spec"] })
    return patch === undefined ? [] : [{ ...target, _tag: "Patch", current, patch }]
  },
  report: ({ virtual }, { refusal }, actions) => {
    if (virtual === undefined) return { verdict: undefined }
    if (refusal !== undefined)
      return { verdict: { health: "refused", reason: refusal.reason, message: refusal.message } }
    return {
      verdict:
        actions.length === 0
          ? { health: "synced", reason: "Synced", message: "it is on the host" }
          : { health: "waiting", reason: "Pending", message: "changes are on their way" },
    }
  },
})
