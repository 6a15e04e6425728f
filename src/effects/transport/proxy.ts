/** HTTP proxies: which one applies (as Go's net/http reads the environment), and the tunnel through it. */
import { Effect } from "effect"
import * as http from "node:http"
import * as https from "node:https"
import { BlockList, isIP } from "node:net"
import type { Socket } from "node:net"
import { systemAuthorities } from "./system-authorities.ts"
import { fromCause, lost } from "./transport-error.ts"
import type { TransportError } from "./transport-error.ts"

type Environment = Readonly<Record<string, string | undefined>>

const variable = (env: Environment, name: string): string | undefined => {
  const value = env[name] ?? ""
  return value === "" ? env[name.toLowerCase()] : value
}

export const withoutBrackets = (host: string): string => host.replace(/^\[|\]$/g, "")

const family = (host: string): "ipv4" | "ipv6" => (isIP(host) === 6 ? "ipv6" : "ipv4")

/** `10.0.0.0/8` */
const isInRange = (host: string, entry: string): boolean => {
  const [network = "", bits = ""] = entry.split("/")
  const size = Number(bits)
  const widest = isIP(network) === 6 ? 128 : 32
  if (isIP(host) === 0 || isIP(network) === 0 || bits === "" || !(size >= 0 && size <= widest)) return false
  const list = new BlockList()
  list.addSubnet(network, size, family(network))
  return list.check(host, family(host))
}

/** `*`, an address, a range, `example.com` (and what is below it) or `.example.com` (only what is below it), each with or without a port. */
const isExcepted = (host: string, port: string, entry: string): boolean => {
  if (entry === "*") return true
  if (entry.includes("/")) return isInRange(host, entry)
  if (isIP(withoutBrackets(entry)) !== 0) return host === withoutBrackets(entry)
  const [, name = "", wantedPort] = /^(.*?)(?::(\d+))?$/.exec(entry) ?? []
  if (wantedPort !== undefined && wantedPort !== port) return false
  const plain = withoutBrackets(name).replace(/^\*/, "")
  return plain.startsWith(".") ? host.endsWith(plain) : host === plain || host.endsWith(`.${plain}`)
}

const isLoopback = (host: string): boolean =>
  host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."))

/**
 * @param configured `proxy-url` of the kubeconfig: it counts for every address
 * @returns the proxy's URL; undefined: connect directly. The environment's proxy never counts for loopback (Go's rule)
 */
export const proxyFor = (
  server: URL,
  configured: string | undefined,
  env: Environment = process.env,
): string | undefined => {
  if (configured !== undefined && configured !== "") return configured
  const host = withoutBrackets(server.hostname).toLowerCase()
  if (isLoopback(host)) return undefined
  const plain = server.protocol === "http:"
  const port = server.port === "" ? (plain ? "80" : "443") : server.port
  const exceptions = (variable(env, "NO_PROXY") ?? "").toLowerCase().split(/[\s,]+/)
  if (exceptions.some((entry) => entry !== "" && isExcepted(host, port, entry))) return undefined
  const proxy = variable(env, plain ? "HTTP_PROXY" : "HTTPS_PROXY") ?? ""
  if (proxy === "") return undefined
  return proxy.includes("://") ? proxy : `http://${proxy}`
}

const proxyRequest = (url: URL, target: string): http.ClientRequest => {
  const secure = url.protocol === "https:"
  const user = decodeURIComponent(url.username)
  const secret = Buffer.from(`${user}:${decodeURIComponent(url.password)}`).toString("base64")
  return (secure ? https : http).request({
    ...(secure ? { ca: systemAuthorities() } : {}),
    host: withoutBrackets(url.hostname),
    port: url.port === "" ? (secure ? 443 : 80) : url.port,
    method: "CONNECT",
    path: target,
    agent: false,
    headers: { host: target, ...(user === "" ? {} : { "proxy-authorization": `Basic ${secret}` }) },
  })
}

/** A CONNECT tunnel to `target` (`host:port`); the socket is the caller's. No message contains the proxy's password. */
export const openTunnel = (proxy: string, target: string): Effect.Effect<Socket, TransportError> =>
  Effect.callback((resume) => {
    const url = URL.canParse(proxy) ? new URL(proxy) : undefined
    if (url === undefined) return resume(Effect.fail(lost("the proxy's address is no URL")))
    if (url.protocol !== "http:" && url.protocol !== "https:")
      return resume(
        Effect.fail(lost(`the proxy ${url.protocol}//${url.host} is not supported; use http:// or https://`)),
      )
    const request = proxyRequest(url, target)
    const refused = (status: number | undefined) =>
      resume(Effect.fail(lost(`the proxy ${url.host} answered ${status ?? "nothing"} to CONNECT`)))
    request.once("connect", (response, socket) => {
      // The TLS layer above reports what happens to the socket; without a listener of its own it would crash us.
      socket.on("error", () => {})
      if (response.statusCode === 200) return resume(Effect.succeed(socket))
      socket.destroy()
      refused(response.statusCode)
    })
    request.once("response", (response) => {
      response.destroy()
      refused(response.statusCode)
    })
    request.on("error", (cause) => resume(Effect.fail(lost(`the proxy ${url.host}: ${fromCause(cause).message}`))))
    request.end()
    return Effect.sync(() => request.destroy())
  })
