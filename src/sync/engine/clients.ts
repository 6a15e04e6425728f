/** The connections to both clusters, as services: a fence, a recorder or a fake is a layer that replaces them. */
import { Context, Effect, Layer } from "effect"
import { fencedClient } from "../../effects/client/fenced-client.ts"
import type { KubeClient } from "../../effects/client/kube-client.ts"
import type { Clients } from "./executor.ts"

/** Of the cluster that runs ESO. */
export class HostClient extends Context.Service<HostClient, KubeClient>()("vcluster-es/sync/engine/HostClient") {}

/** Of the API server that the tenant sees. */
export class VirtualClient extends Context.Service<VirtualClient, KubeClient>()(
  "vcluster-es/sync/engine/VirtualClient",
) {}

export type ClientServices = HostClient | VirtualClient

/** Both, for those who choose by the side of an action. */
export const bothClients: Effect.Effect<Clients, never, ClientServices> = Effect.all({
  host: HostClient,
  virtual: VirtualClient,
})

export const clientsContext = ({ host, virtual }: Clients): Context.Context<ClientServices> =>
  Context.make(HostClient, host).pipe(Context.add(VirtualClient, virtual))

export const clientsLayer = (clients: Clients): Layer.Layer<ClientServices> =>
  Layer.succeedContext(clientsContext(clients))

/** The same connections; no write leaves any more as soon as `mayWrite` is false. */
export const fencedClients = ({ host, virtual }: Clients, mayWrite: () => boolean): Context.Context<ClientServices> =>
  clientsContext({ host: fencedClient(host, mayWrite), virtual: fencedClient(virtual, mayWrite) })
