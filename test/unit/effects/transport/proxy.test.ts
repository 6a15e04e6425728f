/** Which proxy the environment and the kubeconfig mean (Go, golang.org/x/net/http/httpproxy). */
import { assert, it } from "@effect/vitest"
import { proxyFor } from "../../../../src/effects/transport/proxy.ts"

const env = { HTTPS_PROXY: "http://p:1" }
const proxied = (server: string, noProxy: string): boolean =>
  proxyFor(new URL(server), undefined, { ...env, NO_PROXY: noProxy }) !== undefined

it("reads the variables of both spellings, the upper one first", () => {
  const server = new URL("https://api.example.com")
  assert.strictEqual(proxyFor(server, undefined, {}), undefined)
  assert.strictEqual(proxyFor(server, undefined, env), "http://p:1")
  assert.strictEqual(proxyFor(server, undefined, { https_proxy: "q:2" }), "http://q:2")
  assert.strictEqual(proxyFor(server, undefined, { ...env, https_proxy: "q:2" }), "http://p:1")
  assert.strictEqual(proxyFor(server, undefined, { HTTP_PROXY: "http://p:1" }), undefined)
  assert.strictEqual(proxyFor(new URL("http://api"), undefined, { HTTP_PROXY: "http://p:1" }), "http://p:1")
  assert.strictEqual(proxyFor(server, undefined, { ...env, no_proxy: "example.com" }), undefined)
})

it("lets the kubeconfig's proxy count for everything", () => {
  assert.strictEqual(proxyFor(new URL("https://127.0.0.1"), "http://k:1", { NO_PROXY: "*" }), "http://k:1")
})

it("never proxies loopback for the environment", () => {
  for (const host of ["localhost", "127.0.0.1", "127.1.2.3", "[::1]"])
    assert.isFalse(proxied(`https://${host}:6443`, ""), host)
  assert.isTrue(proxied("https://127.example.com", ""))
})

it("knows every kind of exception", () => {
  const cases: ReadonlyArray<readonly [server: string, noProxy: string, proxied: boolean]> = [
    ["https://a.example.com", "*", false],
    ["https://a.example.com", "example.com", false],
    ["https://example.com", "example.com", false],
    ["https://example.com", ".example.com", true],
    ["https://a.example.com", ".example.com", false],
    ["https://a.example.com", "*.example.com", false],
    ["https://notexample.com", "example.com", true],
    ["https://A.Example.com", "other, EXAMPLE.com", false],
    ["https://example.com:6443", "example.com:443", true],
    ["https://example.com:6443", "example.com:6443", false],
    ["https://10.96.0.1", "10.96.0.0/12", false],
    ["https://10.112.0.1", "10.96.0.0/12", true],
    ["https://10.96.0.1", "10.96.0.1", false],
    ["https://10.96.0.1", "10.96.0.0/99", true],
    ["https://[fd00::1]", "fd00::/8", false],
    ["https://[fd00::1]", "fd00::1", false],
    ["https://api.example.com", "10.0.0.0/8", true],
  ]
  for (const [server, noProxy, expected] of cases)
    assert.strictEqual(proxied(server, noProxy), expected, `${server} ${noProxy}`)
})
