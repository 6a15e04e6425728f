/** A pod without a kubelet: what it sees of the machine, and how it is reached. */

export interface PodSpec {
  /** The folder that is `/` to the pod; what is written there stays, as on a volume. */
  readonly root: string
  /** A folder for the sockets between the pod's loopback interface and the machine's; its path is short (108 bytes are a socket's limit). */
  readonly sockets: string
  /** Files and folders of the machine, read-only, under a path of the pod. */
  readonly mounts: ReadonlyArray<{ readonly from: string; readonly at: string }>
  readonly command: ReadonlyArray<string>
  readonly env: Readonly<Record<string, string>>
  /** What the pod can reach: its own `127.0.0.1:inside` leads to the machine's `127.0.0.1:outside`. */
  readonly reaches: ReadonlyArray<PortPair>
  /** Where the pod is reached: the machine's `127.0.0.1:outside` leads to the pod's `127.0.0.1:inside`. */
  readonly serves: ReadonlyArray<PortPair>
}

export interface PortPair {
  readonly inside: number
  readonly outside: number
}

/** The relay's socket of a port; both ends name it so. */
export const socketOf = (spec: PodSpec, way: "in" | "out", port: number): string => `${spec.sockets}/${way}-${port}`

/** For `unshare`. Without root, the user gets to be root in a namespace of users as well. */
export const namespaceFlags: ReadonlyArray<string> = [
  "--mount",
  "--net",
  "--pid",
  "--fork",
  "--kill-child",
  ...(process.getuid?.() === 0 ? [] : ["--map-root-user"]),
]
