/**
 * ExternalSecret status, host → virtual. What ESO says on the host, in the tenant's names; or, where a rule of ours or a
 * failed write keeps ESO from having a say, a `Ready=False` condition that says so.
 */
import type { KubeObject } from "../effects/kube-object.ts"
import type { Action } from "./rules/actions.ts"
import type { NotReady } from "./rules/conditions.ts"
import { notReadyStatus, translateStatus } from "./rules/conditions.ts"
import type { JsonRecord } from "./rules/json.ts"
import { recordAt } from "./rules/json.ts"
import { mergePatch } from "./rules/merge-patch.ts"
import { externalSecrets } from "./resources.ts"

const patchStatus = (virtual: KubeObject, desired: JsonRecord, virtualVersion: string): ReadonlyArray<Action> => {
  const patch = mergePatch({ status: recordAt(virtual, "status") ?? {} }, { status: desired })
  return patch === undefined
    ? []
    : [
        {
          _tag: "Patch",
          side: "virtual",
          resource: externalSecrets(virtualVersion),
          current: virtual,
          patch,
          subresource: "status",
        },
      ]
}

/** @param now RFC 3339 */
export const statusNotReady = (
  virtual: KubeObject,
  why: NotReady,
  virtualVersion: string,
  now: string,
): ReadonlyArray<Action> => patchStatus(virtual, notReadyStatus(virtual, why.reason, why.message, now), virtualVersion)

/** Nothing until ESO has said something: an absent status on the host is not news. */
export const statusFromHost = (
  virtual: KubeObject,
  host: KubeObject,
  target: string,
  names: ReadonlyArray<readonly [host: string, virtual: string]>,
  virtualVersion: string,
): ReadonlyArray<Action> => {
  const status = recordAt(host, "status")
  return status === undefined || Object.keys(status).length === 0
    ? []
    : patchStatus(virtual, translateStatus(status, target, names), virtualVersion)
}
