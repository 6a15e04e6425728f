/** The caches of the host's events. One regarded kind a cache: a field selector knows no "or", and the namespace is full of the events of pods. */
import type { Cache, CacheSpec } from "../engine/caches.ts"
import type { SyncContext } from "../engine/context.ts"
import { events } from "../resources.ts"
import { keepOfEvent, regardedUid } from "./operator-event.ts"

const eventsOn =
  (kind: string) =>
  ({ hostScope }: SyncContext): CacheSpec => ({
    resource: events,
    selection: { namespace: hostScope, fieldSelector: `involvedObject.kind=${kind}` },
    indexes: { regarded: regardedUid },
    transform: keepOfEvent,
    isHint: true,
  })

export const hostEvents: Cache = { name: "hostEvents", side: "host", spec: eventsOn("ExternalSecret") }

export const hostStoreEvents: Cache = {
  name: "hostStoreEvents",
  side: "host",
  spec: (context) => (context.settings.stores.enabled ? eventsOn("SecretStore")(context) : undefined),
}
