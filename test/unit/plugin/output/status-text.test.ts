import { stripVTControlCharacters } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import type { Canvas } from "../../../../src/plugin/output/problems.ts"
import { statusData } from "../../../../src/plugin/output/status-data.ts"
import { renderStatus } from "../../../../src/plugin/output/status-text.ts"
import type { ObjectReport } from "../../../../src/sync/engine/report.ts"
import { isGood, type StatusReport } from "../../../../src/sync/diagnose/status-report.ts"

const nowMs = Date.parse("2026-11-24T10:00:00Z")
const canvas: Canvas = { style: { color: false, unicode: true }, columns: undefined, nowMs }

const good: StatusReport = {
  vcluster: { name: "my-vcluster", namespace: "team-x", version: "0.36.1", state: "Running" },
  host: {
    context: "prod-eu",
    server: "https://10.0.0.1:6443",
    eso: { version: "v0.20.4", healthy: true },
    crds: ["v1"],
  },
  syncer: { running: true, holder: "my-vcluster-es-7c9f_1a2b3c4d", since: "2026-11-21T09:00:00Z", version: "0.3.0" },
  settings: {
    source: "Secret team-x/vc-config-my-vcluster",
    externalSecrets: { selector: "" },
    stores: { enabled: false, selector: "" },
    clusterStores: { enabled: true, selector: "vcluster-accessible=true" },
    policy: "default",
  },
  counts: [
    { kind: "ExternalSecret", synced: 41, waiting: 0, broken: 0, refused: 0 },
    {
      kind: "ClusterSecretStore",
      synced: 2,
      waiting: 0,
      broken: 0,
      refused: 0,
      note: "3 on the host do not match the selector",
    },
  ],
  problems: [],
  notVisible: [],
}

const problems: ReadonlyArray<ObjectReport> = [
  {
    kind: "ExternalSecret",
    namespace: "default",
    name: "wildcard",
    health: "refused",
    reason: "StoreNotImported",
    message: "ClusterSecretStore org-admin is not imported into this vCluster",
    fix: {
      text: "the operator can import it, on the host:",
      command: "kubectl label clustersecretstore org-admin vcluster-accessible=true",
    },
  },
  {
    kind: "ExternalSecret",
    namespace: "production",
    name: "db-credentials",
    health: "broken",
    reason: "SecretSyncedError",
    message: "store aws-secrets-manager: AccessDeniedException: not authorized: secretsmanager:GetSecretValue",
    since: "2026-11-24T09:46:00Z",
    fix: { text: "check the role of ServiceAccount external-secrets/external-secrets" },
  },
  {
    kind: "ExternalSecret",
    namespace: "a",
    name: "b",
    health: "waiting",
    reason: "Pending",
    message: "ESO has not looked at it yet",
  },
]

const troubled: StatusReport = {
  ...good,
  counts: [{ kind: "ExternalSecret", synced: 39, waiting: 1, broken: 1, refused: 1 }],
  problems,
  notVisible: ["list secretstores.external-secrets.io in namespace team-x"],
}

describe("status as text", () => {
  it("all is well", () => {
    assert.strictEqual(
      renderStatus(good, canvas, false),
      `vCluster my-vcluster  team-x  v0.36.1 · integration on · syncer ✓ in my-vcluster-es-7c9f (v0.3.0, leader 3d1h)
Host     prod-eu      ESO v0.20.4 ✓ · CRDs v1 ✓ (v1beta1 bridged)
Settings stores off · cluster stores on, vcluster-accessible=true · policy default

                        synced   waiting   broken   refused
  ExternalSecrets           41         0        0         0
  ClusterSecretStores        2         0        0         0   3 on the host do not match the selector

Everything is in step.
`,
    )
  })

  it("what is broken comes in full, the worst first, each with its fix", () => {
    assert.strictEqual(
      renderStatus(troubled, canvas, false).split("\n").slice(5).join("\n"),
      `  ExternalSecrets       39         1        1         1

✗ production/db-credentials   store aws-secrets-manager: AccessDeniedException: not authorized: secretsmanager:GetSecretValue
    since 14m
    fix   check the role of ServiceAccount external-secrets/external-secrets
! default/wildcard            refused: ClusterSecretStore org-admin is not imported into this vCluster
    fix   the operator can import it, on the host:
          kubectl label clustersecretstore org-admin vcluster-accessible=true
… a/b                         waiting: ESO has not looked at it yet

– not visible to you (list secretstores.external-secrets.io in namespace team-x)
`,
    )
  })

  it("no line is wider than the terminal, but for commands to copy", () => {
    const lines = renderStatus(troubled, { ...canvas, columns: 70 }, false).split("\n")
    for (const line of lines.slice(3)) if (!/kubectl|not visible/.test(line)) assert.isAtMost(line.length, 70, line)
    assert.include(
      lines.join("\n"),
      "✗ production/db-credentials   store aws-secrets-manager:\n    AccessDeniedException:",
    )
  })

  it("ASCII alone where the locale has no more", () => {
    const text = renderStatus(troubled, { ...canvas, style: { color: false, unicode: false } }, false)
    assert.match(text, /^[\n\u0020-\u007e]*$/)
    assert.include(text, "x production/db-credentials")
    assert.include(text, "~ a/b")
  })

  it("without colour it says the same", () => {
    const colored = renderStatus(troubled, { ...canvas, style: { color: true, unicode: true } }, false)
    assert.include(colored, "\u001b[31m✗\u001b[0m production/db-credentials")
    assert.strictEqual(stripVTControlCharacters(colored), renderStatus(troubled, canvas, false))
  })

  it("nobody syncs, ESO is not there, the vCluster sleeps", () => {
    const text = renderStatus(
      {
        ...good,
        vcluster: { ...good.vcluster, state: "Paused", since: "2026-11-24T08:00:00Z" },
        host: { ...good.host, eso: {}, crds: [] },
        syncer: { running: false },
      },
      canvas,
      false,
    )
    assert.include(text, "v0.36.1 · … paused since 120m · integration on · syncer ! not running")
    assert.include(text, "ESO ✗ not installed (no CRD externalsecrets.external-secrets.io)")
    assert.include(
      text,
      "! no syncer is running: changes are carried over by single passes only\n    fix   kubectl vcluster-es sync my-vcluster -n team-x --follow",
    )
    assert.notInclude(text, "Everything is in step")
  })

  it("hides nothing that a tenant wrote, and obeys none of it", () => {
    const evil: ObjectReport = {
      kind: "ExternalSecret",
      namespace: "a",
      name: "b",
      health: "broken",
      reason: "X",
      message: "\u001b[2J\u202eok\nError: fake",
    }
    const text = renderStatus({ ...good, problems: [evil] }, canvas, false)
    assert.include(text, "✗ a/b   \\x1b[2J\\u{202e}ok\\nError: fake")
  })

  it("twenty problems, and how many more there are; wide shows all", () => {
    const many = Array.from({ length: 25 }, (_, index): ObjectReport => ({
      kind: "ExternalSecret",
      namespace: "n",
      name: `e${String(index).padStart(2, "0")}`,
      health: "broken",
      reason: "X",
      message: "m",
    }))
    const report = { ...good, problems: many }
    const text = renderStatus(report, canvas, false)
    assert.strictEqual(text.match(/✗ n\//g)?.length, 20)
    assert.include(text, "… and 5 more; -o wide or -o json shows all")
    assert.strictEqual(renderStatus(report, canvas, true).match(/✗ n\//g)?.length, 25)
  })
})

describe("status as data", () => {
  it("has the shape that programs rely on", () => {
    assert.deepStrictEqual(statusData(troubled), {
      apiVersion: "vcluster-es.io/v1alpha1",
      kind: "Status",
      healthy: false,
      vcluster: { name: "my-vcluster", namespace: "team-x", version: "0.36.1", state: "Running" },
      syncer: {
        running: true,
        leader: "my-vcluster-es-7c9f_1a2b3c4d",
        since: "2026-11-21T09:00:00Z",
        version: "0.3.0",
      },
      host: {
        context: "prod-eu",
        server: "https://10.0.0.1:6443",
        eso: { version: "v0.20.4", healthy: true },
        crds: ["v1"],
      },
      settings: good.settings,
      counts: { ExternalSecret: { synced: 39, waiting: 1, broken: 1, refused: 1 } },
      problems: [
        {
          severity: "error",
          health: "broken",
          object: { kind: "ExternalSecret", namespace: "production", name: "db-credentials" },
          reason: "SecretSyncedError",
          message: "store aws-secrets-manager: AccessDeniedException: not authorized: secretsmanager:GetSecretValue",
          since: "2026-11-24T09:46:00Z",
          fix: { text: "check the role of ServiceAccount external-secrets/external-secrets" },
        },
        {
          severity: "warning",
          health: "refused",
          object: { kind: "ExternalSecret", namespace: "default", name: "wildcard" },
          reason: "StoreNotImported",
          message: "ClusterSecretStore org-admin is not imported into this vCluster",
          fix: {
            text: "the operator can import it, on the host:",
            command: "kubectl label clustersecretstore org-admin vcluster-accessible=true",
          },
        },
        {
          severity: "info",
          health: "waiting",
          object: { kind: "ExternalSecret", namespace: "a", name: "b" },
          reason: "Pending",
          message: "ESO has not looked at it yet",
        },
      ],
      notVisible: ["list secretstores.external-secrets.io in namespace team-x"],
    })
  })
  it("healthy is what the exit code says", () => {
    assert.isTrue(isGood(good))
    assert.isFalse(isGood(troubled))
    // Single passes keep it in step, too.
    assert.isTrue(isGood({ ...good, syncer: { running: false } }))
    assert.isFalse(isGood({ ...good, host: { ...good.host, crds: [] } }))
    assert.isFalse(isGood({ ...good, host: { ...good.host, eso: { healthy: false } } }))
  })
})
