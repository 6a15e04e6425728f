/** The events that we have told in the virtual cluster. */
import type { Cache } from "../../engine/caches.ts"
import { events } from "../../resources.ts"
import { managedLabel } from "../../tenancy/labels.ts"
import { keepOfEvent, regardedUid } from "../../external-secrets/operator-event.ts"

export const virtualEvents: Cache = {
  name: "virtualEvents",
  side: "virtual",
  spec: () => ({
    resource: events,
    selection: { labelSelector: `${managedLabel}=true` },
    takesOurWrites: true,
    indexes: { regarded: regardedUid },
    transform: keepOfEvent,
    isHint: true,
  }),
}
