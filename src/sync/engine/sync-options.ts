/** How the one who starts a Syncer wants it to work; what it works on is `target.ts`. */
import { Context } from "effect"

export class SyncOptions extends Context.Service<
  SyncOptions,
  {
    /** Who we are, in the Lease: the pod's or the machine's name. */
    readonly identity: string
    /** Of this program; the Lease tells it to `status`. */
    readonly version: string
    readonly workers: number
    readonly allowMassDelete: boolean
    /** Go on although the virtual cluster is another one than before. */
    readonly acceptIdentity: boolean
  }
>()("vcluster-es/sync/engine/SyncOptions") {}
