/** Which cluster and whom a kubeconfig and kubectl's flags mean. */
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { rmSync, writeFileSync } from "node:fs"
import { delimiter, join } from "node:path"
import type { ConnectionSource } from "../../../../src/effects/config/rest-config.ts"
import { usualFiles } from "../../../../src/effects/config/kubeconfig-file.ts"
import { listContexts, loadKubeconfig, parseKubeconfig } from "../../../../src/effects/config/kubeconfig.ts"
import { home, loadSimple, message, simple } from "./kubeconfig-home.ts"

it.effect("reads the current context", () =>
  Effect.gen(function* () {
    const { credentials, reload, ...source } = yield* loadSimple()
    assert.isDefined(reload)
    assert.deepStrictEqual(source, {
      context: "prod",
      inCluster: false,
      namespace: "team-x",
      server: "https://prod:6443/prefix",
      serverName: "kubernetes",
      insecure: false,
      proxyUrl: "http://proxy:1",
    })
    assert.deepStrictEqual(yield* credentials(false), {
      ca: "ca",
      cert: undefined,
      key: undefined,
      headers: {
        authorization: "Bearer secret-token",
        "impersonate-user": "boss",
        "impersonate-uid": "1",
        "impersonate-group": ["a", "b"],
        "impersonate-extra-reason%2fx": ["why"],
      },
    })
  }),
)

it.effect("lets the flags count before the kubeconfig", () =>
  Effect.gen(function* () {
    const dev = yield* loadSimple({ context: "dev" })
    assert.deepInclude(dev, { context: "dev", namespace: undefined, server: "https://dev:6443", insecure: true })
    const mixed = yield* loadSimple({ context: "dev", cluster: "p", server: "https://1.2.3.4", tlsServerName: "x" })
    assert.deepInclude(mixed, { server: "https://1.2.3.4", serverName: "x", proxyUrl: "http://proxy:1" })
    const { folder, surroundings } = yield* home({
      ".kube/config": simple,
      "ca.pem": "other ca",
      "c.pem": "cert",
      "k.pem": "key",
    })
    const overridden = yield* loadKubeconfig(
      undefined,
      {
        token: "mine",
        certificateAuthority: join(folder, "ca.pem"),
        clientCertificate: join(folder, "c.pem"),
        clientKey: join(folder, "k.pem"),
        insecureSkipTlsVerify: true,
        impersonate: { user: "joe", groups: ["ops"], uid: "2" },
      },
      surroundings,
    )
    assert.isTrue(overridden.insecure)
    const { headers, ...certificates } = yield* overridden.credentials(false)
    assert.deepStrictEqual(certificates, { ca: "other ca", cert: "cert", key: "key" })
    assert.deepInclude(headers, { authorization: "Bearer mine", "impersonate-user": "joe", "impersonate-uid": "2" })
    assert.deepStrictEqual(headers["impersonate-group"], ["ops"])
  }),
)

it.effect("works with --server alone", () =>
  Effect.gen(function* () {
    const { surroundings } = yield* home({})
    const source = yield* loadKubeconfig(undefined, { server: "https://1.2.3.4:6443", token: "t" }, surroundings)
    assert.strictEqual(source.server, "https://1.2.3.4:6443")
    assert.deepInclude((yield* source.credentials(false)).headers, { authorization: "Bearer t" })
  }),
)

it.effect("merges the files of KUBECONFIG: what the first says counts", () =>
  Effect.gen(function* () {
    const second = simple
      .replace("current-context: prod", "current-context: dev")
      .replace("https://prod:6443/prefix/", "https://wrong")
    const first = `
current-context: ""
contexts: [{name: mine, context: {cluster: p, user: me}}]
clusters: [{name: p, cluster: {server: "https://first", certificate-authority: certs/ca.pem}}]
users: null
`
    const { surroundings } = yield* home(
      { "a/one": first, "b/two": second, "a/certs/ca.pem": "beside the file" },
      { KUBECONFIG: ["HOME/a/one", "HOME/missing", "HOME/b/two"].join(delimiter) },
    )
    const source = yield* loadKubeconfig(undefined, {}, surroundings)
    assert.deepInclude(source, { context: "dev", server: "https://dev:6443" })
    const other = yield* loadKubeconfig(undefined, { context: "prod" }, surroundings)
    assert.strictEqual(other.server, "https://first")
    assert.strictEqual((yield* other.credentials(false)).ca, "beside the file")
    const { names, current } = yield* listContexts(undefined, surroundings)
    assert.deepStrictEqual(names.toSorted(), ["broken", "dev", "mine", "nobody", "prod"])
    assert.strictEqual(current, "dev")
  }),
)

it.effect("uses the pod's service account where there is no kubeconfig, and reads its token anew", () =>
  Effect.gen(function* () {
    const { folder, surroundings } = yield* home(
      { "pod/token": "one\n", "pod/ca.crt": "pod ca", "pod/namespace": "team-x\n" },
      { KUBERNETES_SERVICE_HOST: "fd00::1", KUBERNETES_SERVICE_PORT: "443" },
    )
    const source = yield* loadKubeconfig(undefined, {}, surroundings)
    assert.deepInclude(source, { context: undefined, namespace: "team-x", server: "https://[fd00::1]:443" })
    assert.isTrue(source.inCluster)
    const elsewhere = yield* loadKubeconfig(undefined, { server: "https://elsewhere" }, surroundings)
    assert.isFalse(elsewhere.inCluster, "another cluster, whose names do not resolve here")
    writeFileSync(join(folder, "own"), simple)
    const named = yield* loadKubeconfig(join(folder, "own"), {}, surroundings)
    assert.isFalse(named.inCluster, "a pod that works on another cluster")
    const first = yield* source.credentials(false)
    assert.deepInclude(first, { ca: "pod ca" })
    assert.strictEqual(first.headers["authorization"], "Bearer one")
    writeFileSync(join(folder, "pod/token"), "two")
    assert.strictEqual((yield* source.credentials(false)).headers["authorization"], "Bearer two")
    rmSync(join(folder, "pod/token"))
    assert.include(yield* message(source.credentials(false)), "pod/token does not exist")
    assert.deepStrictEqual(
      yield* listContexts(join(folder, "none"), surroundings).pipe(message),
      "kubeconfig ~/none does not exist",
    )
  }),
)

it.effect("can be read again, and stays the same while it says the same", () =>
  Effect.gen(function* () {
    const { folder, surroundings } = yield* home({ config: simple })
    const source = yield* loadKubeconfig(join(folder, "config"), {}, surroundings)
    const again = (from: ConnectionSource) => from.reload ?? Effect.die("cannot be read again")
    writeFileSync(join(folder, "config"), simple.replace("name: nobody", "name: somebody"))
    assert.strictEqual(yield* again(source), source, "another context changed")
    writeFileSync(join(folder, "config"), simple.replace("secret-token", "newer").replace("prod:6443", "prod:6444"))
    const changed = yield* again(source)
    assert.strictEqual(changed.server, "https://prod:6444/prefix")
    assert.deepInclude((yield* changed.credentials(false)).headers, { authorization: "Bearer newer" })
    assert.strictEqual(yield* again(changed), changed)
    writeFileSync(join(folder, "config"), simple)
    assert.strictEqual((yield* again(changed)).server, source.server, "and back")
    rmSync(join(folder, "config"))
    assert.include(yield* message(again(changed)), "does not exist")
  }),
)

it.effect("read again, it is the same context, whatever has become the current one", () =>
  Effect.gen(function* () {
    const { folder, surroundings } = yield* home({ config: simple })
    const source = yield* loadKubeconfig(join(folder, "config"), {}, surroundings)
    assert.strictEqual(source.context, "prod")
    writeFileSync(join(folder, "config"), simple.replace("current-context: prod", "current-context: dev"))
    assert.strictEqual(yield* source.reload ?? Effect.die("cannot be read again"), source)
  }),
)

it.effect("takes from a Secret only what is embedded in it", () =>
  Effect.gen(function* () {
    const source = yield* parseKubeconfig(simple, "Secret team-x/vc-a", {
      server: "https://a.team-x:443",
      tlsServerName: "kubernetes",
    })
    assert.deepInclude(source, { server: "https://a.team-x:443", serverName: "kubernetes", context: "prod" })
    const dangerous = {
      exec: "{exec: {command: /bin/sh, args: [-c, 'touch /tmp/x']}}",
      "auth-provider": "{auth-provider: {name: exec}}",
      tokenFile: "{tokenFile: /etc/passwd}",
      "client-key": "{client-key: /etc/passwd}",
    }
    for (const [field, user] of Object.entries(dangerous)) {
      const text = simple.replace(/user: \{token: .*\}\}$/m, `user: ${user}}`)
      assert.strictEqual(
        yield* message(parseKubeconfig(text, "Secret team-x/vc-a")),
        `Secret team-x/vc-a: ${field} is not allowed in a kubeconfig that comes out of a cluster`,
      )
    }
    assert.match(yield* message(parseKubeconfig("a: [", "Secret team-x/vc-a")), /^Secret team-x\/vc-a:1:\d+: /)
  }),
)

it.effect("reads unquoted words as kubectl does, which writes them so", () =>
  Effect.gen(function* () {
    for (const namespace of ["7e12345", "1e3456", "2026-11-27"]) {
      const source = yield* parseKubeconfig(
        simple.replace("namespace: team-x", `namespace: ${namespace}`),
        "Secret a/b",
      )
      assert.strictEqual(source.namespace, namespace)
    }
    const number = simple.replace("namespace: team-x", "namespace: 1_000")
    assert.match(yield* message(parseKubeconfig(number, "Secret a/b")), /namespace has a value of the wrong type$/)
  }),
)

it("without a home there is no usual kubeconfig, not one beside the program's current folder either", () => {
  assert.deepStrictEqual(usualFiles(""), [])
  assert.deepStrictEqual(usualFiles("/home/jane"), [join("/home/jane", ".kube", "config")])
})
