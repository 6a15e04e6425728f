/** Switched off, only what an earlier run made is of interest, and there is no look at the host: the chart grants none. */
import type { Cache } from "../../engine/caches.ts"
import { validatingWebhookConfigurations as resource } from "../../resources.ts"
import { managedLabel } from "../../tenancy/labels.ts"

export const hostWebhooks: Cache = {
  name: "hostWebhooks",
  side: "host",
  spec: ({ settings }) => (settings.webhook ? { resource, selection: {}, indexes: {} } : undefined),
}

export const virtualWebhooks: Cache = {
  name: "virtualWebhooks",
  side: "virtual",
  spec: ({ settings }) => ({
    resource,
    selection: settings.webhook ? {} : { labelSelector: `${managedLabel}=true` },
    takesOurWrites: true,
    indexes: {},
  }),
}
