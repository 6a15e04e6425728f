import { stringify } from "yaml"
import type { Connection } from "../support/kube-http.ts"

export interface KubeconfigOptions {
  /** Name of context, cluster and user. */
  readonly context: string
  readonly connection: Connection
  readonly namespace?: string
}

const base64 = (text: string): string => Buffer.from(text).toString("base64")

/** A kubeconfig with everything inside it, no file names. */
export const renderKubeconfig = ({ context, connection, namespace }: KubeconfigOptions): string =>
  stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": context,
    clusters: [
      {
        name: context,
        cluster: { server: connection.server, "certificate-authority-data": base64(connection.ca) },
      },
    ],
    users: [
      {
        name: context,
        user: {
          ...(connection.cert === undefined ? {} : { "client-certificate-data": base64(connection.cert) }),
          ...(connection.key === undefined ? {} : { "client-key-data": base64(connection.key) }),
          ...(connection.token === undefined ? {} : { token: connection.token }),
        },
      },
    ],
    contexts: [
      {
        name: context,
        context: { cluster: context, user: context, ...(namespace === undefined ? {} : { namespace }) },
      },
    ],
  })
