import { assert, describe, it } from "@effect/vitest"
import { Cause, Data } from "effect"
import * as api from "../../../../src/effects/client/api-error.ts"
import { explainCause, renderExplanation } from "../../../../src/plugin/output/error.ts"
import { shellWord } from "../../../../src/plugin/output/grant.ts"
import { UsageError } from "../../../../src/plugin/usage-error.ts"
import { KubeconfigError } from "../../../../src/effects/config/rest-config.ts"
import { LeaseHeld } from "../../../../src/effects/leader-election/leader-election.ts"
import {
  CrdNotServed,
  HostNamespaceMissing,
  LeaseLost,
  ConversionBroken,
  OperatorMissing,
  VclusterGone,
  VersionNotServed,
} from "../../../../src/sync/engine/errors.ts"
import { IdentityMismatch } from "../../../../src/sync/engine/identity.ts"
import { ConfigError } from "../../../../src/sync/settings/settings.ts"
import { MassDeletion } from "../../../../src/sync/engine/mass-deletion.ts"
import { SetupError } from "../../../../src/sync/discovery/setup-error.ts"

const plain = { color: false, unicode: true }

const apiError = (reason: api.ApiErrorReason, extra: Partial<ConstructorParameters<typeof api.ApiError>[0]> = {}) =>
  new api.ApiError({
    cluster: "host",
    server: "https://10.0.0.1:6443",
    verb: "list",
    resource: "externalsecrets.external-secrets.io",
    namespace: "team-x",
    detail: "what the other side said",
    reason,
    ...extra,
  })

const rendered = (failure: unknown) => {
  const explanation = explainCause(Cause.fail(failure))
  return `${explanation.exitCode} ${renderExplanation(plain, explanation)}`
}

const codeOf = (failure: unknown) => explainCause(Cause.fail(failure)).exitCode

describe("API errors", () => {
  const cases: ReadonlyArray<readonly [string, api.ApiError, string]> = [
    [
      "refused connection",
      apiError(new api.Unreachable({ code: "ECONNREFUSED" })),
      "3 Error: host API server https://10.0.0.1:6443 does not answer: what the other side said\n",
    ],
    [
      "unknown transport error",
      apiError(new api.Unreachable({})),
      "3 Error: host API server https://10.0.0.1:6443 does not answer: what the other side said\n",
    ],
    [
      "another CA",
      apiError(new api.Untrusted({ code: "SELF_SIGNED_CERT_IN_CHAIN" }), {
        detail: "the server's certificate is not trusted: self-signed",
      }),
      "3 Error: host API server https://10.0.0.1:6443: the server's certificate is not trusted: self-signed\n  fix: give the authority that signed its certificate: --certificate-authority FILE\n",
    ],
    [
      "another name",
      apiError(new api.Untrusted({ code: "ERR_TLS_CERT_ALTNAME_INVALID" }), { detail: "not for 10.0.0.1" }),
      "3 Error: host API server https://10.0.0.1:6443: not for 10.0.0.1\n  fix: give the name that the certificate bears: --tls-server-name NAME\n",
    ],
    [
      "401",
      apiError(new api.Unauthorized({}), { detail: "Unauthorized" }),
      "3 Error: host API server https://10.0.0.1:6443 does not accept the credentials: Unauthorized\n  fix: log in anew, then check with: kubectl auth whoami\n",
    ],
    [
      "403 in a namespace",
      apiError(new api.Forbidden({ user: "jane" })),
      "3 Error: not allowed: list externalsecrets.external-secrets.io in namespace team-x (as user jane)\n  fix: kubectl create role vcluster-es-list-externalsecrets-jane --verb=list --resource=externalsecrets.external-secrets.io -n team-x && kubectl create rolebinding vcluster-es-list-externalsecrets-jane --role=vcluster-es-list-externalsecrets-jane --user=jane -n team-x\n",
    ],
    [
      "403 in the virtual cluster, of a cluster-scoped kind, for a ServiceAccount",
      new api.ApiError({
        cluster: "virtual",
        server: "https://vc:443",
        verb: "create",
        resource: "customresourcedefinitions.apiextensions.k8s.io",
        detail: "no",
        reason: new api.Forbidden({ user: "system:serviceaccount:team-x:es" }),
      }),
      "3 Error: not allowed: create customresourcedefinitions.apiextensions.k8s.io of the virtual cluster (as user system:serviceaccount:team-x:es)\n  fix: in the virtual cluster:\n       kubectl create clusterrole vcluster-es-create-customresourcedefinitions-es --verb=create --resource=customresourcedefinitions.apiextensions.k8s.io && kubectl create clusterrolebinding vcluster-es-create-customresourcedefinitions-es --clusterrole=vcluster-es-create-customresourcedefinitions-es --serviceaccount=team-x:es\n",
    ],
    [
      "403 about a Namespace: a Role in it is enough",
      new api.ApiError({
        cluster: "host",
        server: "https://h:443",
        verb: "get",
        resource: "namespaces",
        name: "team-x",
        detail: "no",
        reason: new api.Forbidden({ user: "jane" }),
      }),
      "3 Error: not allowed: get namespaces team-x (as user jane)\n  fix: kubectl create role vcluster-es-get-namespaces-jane --verb=get --resource=namespaces -n team-x && kubectl create rolebinding vcluster-es-get-namespaces-jane --role=vcluster-es-get-namespaces-jane --user=jane -n team-x\n",
    ],
    [
      "403, nobody knows who",
      apiError(new api.Forbidden({}), { name: "db" }),
      "3 Error: not allowed: list externalsecrets.external-secrets.io db in namespace team-x\n",
    ],
    [
      "ESO is not there",
      apiError(new api.NotFound({ resourceMissing: true })),
      "1 Error: External Secrets Operator is not installed on the host: no CRD externalsecrets.external-secrets.io\n  fix: helm install external-secrets external-secrets --repo https://charts.external-secrets.io -n external-secrets --create-namespace\n",
    ],
    [
      "not an API server",
      apiError(new api.NotKubernetes({ status: 200 }), { detail: "an HTML page" }),
      "3 Error: host API server https://10.0.0.1:6443 does not answer as a Kubernetes API server does (HTTP 200): an HTML page\n  fix: check the server's address in the kubeconfig, and what stands between (a proxy, a login page)\n",
    ],
    [
      "no credentials",
      apiError(new api.NoCredentials({}), { detail: "no credentials from ~/.kube/config: aws not found" }),
      "3 Error: no credentials from ~/.kube/config: aws not found\n",
    ],
    [
      "any other answer names the request",
      apiError(new api.Invalid({ fields: [] }), { name: "db", detail: "spec.x: Required" }),
      "3 Error: list externalsecrets.external-secrets.io db in namespace team-x (host https://10.0.0.1:6443): spec.x: Required\n",
    ],
  ]
  for (const [name, error, expected] of cases) it(name, () => assert.strictEqual(rendered(error), expected))
})

describe("other failures", () => {
  it("usage", () =>
    assert.strictEqual(rendered(new UsageError({ message: "unknown flag --x" })), "2 Error: unknown flag --x\n"))
  it("setup, with a fix of several lines", () =>
    assert.strictEqual(
      rendered(new SetupError({ reason: "NotEnabled", message: "not enabled", fix: "add:\nintegrations:\n  x" })),
      "2 Error: not enabled\n  fix: add:\n       integrations:\n         x\n",
    ))
  it("a paused vCluster cannot be reached", () =>
    assert.strictEqual(
      rendered(new SetupError({ reason: "Asleep", message: "it is paused" })),
      "3 Error: it is paused\n",
    ))
  it("errors of other rooms speak for themselves; the way out is added", () => {
    class Odd extends Data.TaggedError("Odd")<{ readonly message: string }> {}
    assert.strictEqual(rendered(new Odd({ message: "odd things" })), "1 Error: odd things\n")
    assert.strictEqual(
      rendered(new MassDeletion({ kind: "ExternalSecret", wouldDelete: 38, managed: 40 })),
      "1 Error: 38 of 40 ExternalSecrets on the host would be deleted; nothing was changed\n  fix: if that is meant, run again with --allow-mass-delete\n",
    )
    assert.strictEqual(rendered(new KubeconfigError({ message: "no kubeconfig: x" })), "2 Error: no kubeconfig: x\n")
  })
  const mistakes = [
    new ConfigError({ problems: [] }),
    new HostNamespaceMissing({ namespace: "team-x" }),
    new VersionNotServed({ crd: "crd", version: "v2", served: ["v1"] }),
  ]
  const badNews = [
    new ConversionBroken({ crd: "crd", webhook: "Service a/b", detail: "" }),
    new CrdNotServed({ crd: "crd", state: "absent", seconds: 60, detail: "" }),
    new IdentityMismatch({ vcluster: "vc", hostNamespace: "team-x", why: "another UID" }),
    new LeaseHeld({ namespace: "team-x", name: "lease", holder: "a-pod", renewTime: "", expired: false }),
    new LeaseLost({ lease: "team-x/lease" }),
    new OperatorMissing({ crd: "crd" }),
    new VclusterGone({ service: "team-x/vc" }),
  ]
  for (const [code, errors] of [
    [2, mistakes],
    [1, badNews],
  ] as const)
    for (const error of errors) it(`${error._tag} ends with ${code}`, () => assert.strictEqual(codeOf(error), code))
  it("whoever finds another syncer at work, or no operator, is told what to do", () => {
    const fixes = badNews.map((error) => explainCause(Cause.fail(error)).fix)
    assert.deepStrictEqual(
      fixes.map((fix) => fix?.split(" ").slice(0, 2).join(" ")),
      ["bring the", "in the", "if that", "one syncer", undefined, "helm install", undefined],
    )
  })
  it("a defect is ours, without a stack trace", () => {
    const text = renderExplanation(plain, explainCause(Cause.die(new TypeError("x is undefined"))))
    assert.strictEqual(
      text,
      "Error: internal error: x is undefined\n  fix: run again with -v=6 to see more; please report it\n",
    )
  })
  it("interruption", () => assert.strictEqual(explainCause(Cause.interrupt(1)).exitCode, 130))
  it("one error, not a cascade: the failure before the defect", () =>
    assert.strictEqual(
      explainCause(Cause.combine(Cause.die("boom"), Cause.fail(new UsageError({ message: "u" })))).message,
      "u",
    ))
  it("what a server quotes is escaped", () =>
    assert.strictEqual(
      rendered(new UsageError({ message: "bad \u001b[31m\u202e" })),
      "2 Error: bad \\x1b[31m\\u{202e}\n",
    ))
})

it("words for a shell", () => {
  assert.strictEqual(shellWord("jane@example.com"), "jane@example.com")
  assert.strictEqual(shellWord("O'Brien $(x)"), `'O'\\''Brien $(x)'`)
})
