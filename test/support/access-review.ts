/** Whether an API server lets somebody do something, asked of itself: it heeds new roles and bindings a moment after it has stored them. */
import { Effect, Schedule } from "effect"
import { valueAt } from "../../src/effects/client/unstructured.ts"
import type { Kube } from "./kube.ts"
import { KubeError } from "./kube-error.ts"

export interface Access {
  readonly user: string
  readonly verb: string
  readonly resource: string
  readonly group?: string
  readonly namespace?: string
}

type Reviewer = Pick<Kube, "request">

const isGranted = ({ request }: Reviewer, { user, ...resourceAttributes }: Access) =>
  request({
    method: "POST",
    path: "/apis/authorization.k8s.io/v1/subjectaccessreviews",
    body: {
      apiVersion: "authorization.k8s.io/v1",
      kind: "SubjectAccessReview",
      spec: { user, resourceAttributes },
    },
  }).pipe(Effect.map(({ body }) => valueAt(body, "status", "allowed") === true))

/** Until it is granted. Nothing can be watched for that. */
export const untilGranted = (kube: Reviewer, access: Access): Effect.Effect<void, KubeError> =>
  isGranted(kube, access).pipe(
    Effect.repeat({ until: (granted) => granted, schedule: Schedule.spaced("20 millis") }),
    Effect.timeoutOrElse({
      duration: "60 seconds",
      orElse: () =>
        Effect.fail(
          new KubeError({ status: 0, reason: "Timeout", message: `not granted within 60s: ${JSON.stringify(access)}` }),
        ),
    }),
    Effect.asVoid,
  )

/** The user that a token of the ServiceAccount stands for. */
export const userOf = (namespace: string, account: string): string => `system:serviceaccount:${namespace}:${account}`
