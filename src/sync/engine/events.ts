/** Events about what a condition says: told once, not at every look. */
import type { KubeObject } from "../../effects/client/kube-object.ts"
import type { Decision } from "./actions.ts"
import { saysAlready } from "../tenancy/conditions.ts"
import type { NotReady } from "../tenancy/conditions.ts"

/** The part of a decision that warns of it; nothing where the tenant reads it in the condition already (after a restart, say). */
export const warnOnce = (virtual: KubeObject, { reason, message }: NotReady): Pick<Decision, "notice"> =>
  saysAlready(virtual, { reason, message }) ? {} : { notice: { regarding: virtual, type: "Warning", reason, message } }
