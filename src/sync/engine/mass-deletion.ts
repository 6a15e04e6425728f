/**
 * The mass-deletion stop (DESIGN §7). A virtual cluster that looks empty is more often a fault than a wish: a restore, a
 * wrong kubeconfig, a CRD deleted by accident. So deletions that are only inferred from absence are counted together.
 */
import { Schema } from "effect"

export class MassDeletion extends Schema.TaggedError<MassDeletion>()("MassDeletion", {
  kind: Schema.String,
  wouldDelete: Schema.Finite,
  managed: Schema.Finite,
}) {
  readonly fix = "if that is meant, run again with --allow-mass-delete"

  override get message(): string {
    return `${this.wouldDelete} of ${this.managed} ${this.kind}s on the host would be deleted; nothing was changed`
  }
}

/**
 * @param wouldDelete host objects whose virtual object is absent without our having seen it deleted
 * @param managed all host objects of this vCluster
 */
export const judgeMassDeletion = (kind: string, wouldDelete: number, managed: number): MassDeletion | undefined =>
  wouldDelete > 10 && wouldDelete * 2 > managed ? new MassDeletion({ kind, wouldDelete, managed }) : undefined
