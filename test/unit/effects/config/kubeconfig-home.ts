/** Kubeconfigs for tests, and where they lie. */
import { Effect } from "effect"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Surroundings } from "../../../../src/effects/config/kubeconfig-file.ts"
import { loadKubeconfig, type Overrides } from "../../../../src/effects/config/kubeconfig.ts"

/** A home of its own with these files; paths are relative to it. */
export const home = (files: Readonly<Record<string, string>>, env: Readonly<Record<string, string>> = {}) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "kubeconfig-test-"))),
      (folder) => Effect.sync(() => rmSync(folder, { recursive: true })),
    ),
    (folder) => {
      for (const [path, text] of Object.entries(files)) {
        mkdirSync(join(folder, path, ".."), { recursive: true })
        writeFileSync(join(folder, path), text)
      }
      const surroundings: Surroundings = {
        env: Object.fromEntries(Object.entries(env).map(([name, value]) => [name, value.replaceAll("HOME", folder)])),
        home: folder,
        serviceAccount: join(folder, "pod"),
      }
      return { folder, surroundings }
    },
  )

export const simple = `
apiVersion: v1
kind: Config
current-context: prod
contexts:
- {name: prod, context: {cluster: p, user: jane, namespace: team-x}}
- {name: dev, context: {cluster: d, user: jane}}
- {name: broken, context: {cluster: gone, user: jane}}
- {name: nobody, context: {cluster: p, user: departed}}
clusters:
- {name: p, cluster: {server: "https://prod:6443/prefix/", certificate-authority-data: Y2E=, tls-server-name: kubernetes, proxy-url: "http://proxy:1"}}
- {name: d, cluster: {server: "https://dev:6443", insecure-skip-tls-verify: true}}
users:
- {name: jane, user: {token: secret-token, as: boss, as-uid: "1", as-groups: [a, b], as-user-extra: {"Reason/x": [why]}}}
`

export const message = <A, E extends { readonly message: string }, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.flip(effect), (error) => error.message)

export const loadSimple = (overrides: Overrides = {}) =>
  Effect.flatMap(home({ ".kube/config": simple }), ({ surroundings }) =>
    loadKubeconfig(undefined, overrides, surroundings),
  )
