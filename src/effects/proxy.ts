/** HTTP proxies: which one applies (as curl and Go's net/http read the environment), and the tunnel through it. */
import { Effect } from "effect"
import * as http from "node:http"
import * as https from "node:https"
import type { Socket } from "node:net"
import { fromCause, lost } from "./transport-error.ts"
import type { TransportError } from "./transport-error.ts"

type Environment = Readonly<Record<string, string | undefined>>

const variable = (env: Environment, name: string): string | undefined => {
  const value = env[name.toLowerCase()] ?? env[name]
  return value === "" ? undefined : value
}

const excluded = (host: string, port: string, entry: string): boolean => {
  const [, name = "", wantedPort] = /^(.*?)(?::(\d+))?$/.exec(entry) ?? []
  if (wantedPort !== undefined && wantedPort !== port) return false
  const suffix = name.replace(/^\*?\./, "").toLowerCase()
  return name === "*" || host === suffix || host.endsWith(`.${suffix}`)
}

/** @returns the proxy's URL; undefined: connect directly. Loopback is never proxied (Go's rule). */
export const proxyFor = (
  server: URL,
  configured: string | undefined,
  env: Environment = process.env,
): string | undefined => {
  if (configured !== undefined && configured !== "") return configured
  const host = server.hostname.replace(/^\[|\]$/g, "").toLowerCase()
  if (host === "localhost" || host === "::1" || host.startsWith("127.")) return undefined
  const port = server.port === "" ? (server.protocol === "http:" ? "80" : "443") : server.port
  const exceptions = (variable(env, "NO_PROXY") ?? "").split(/[\s,]+/).filter((entry) => entry !== "")
  if (exceptions.some((entry) => excluded(host, port, entry))) return undefined
  return variable(env, server.protocol === "http:" ? "HTTP_PROXY" : "HTTPS_PROXY")
}

/** A CONNECT tunnel to `target` (`host:port`); the socket is the caller's. */
export const openTunnel = (proxy: string, target: string): Effect.Effect<Socket, TransportError> =>
  Effect.callback((resume) => {
    if (!URL.canParse(proxy)) return resume(Effect.fail(lost(`the proxy ${JSON.stringify(proxy)} is no URL`)))
    const url = new URL(proxy)
    if (url.protocol !== "http:" && url.protocol !== "https:")
      return resume(Effect.fail(lost(`the proxy ${url.protocol}//${url.host} is not supported; use http:// or https://`)))
    const user = decodeURIComponent(url.username)
    const request = (url.protocol === "https:" ? https : http).request({
      host: url.hostname.replace(/^\[|\]$/g, ""),
      port: url.port === "" ? (url.protocol === "https:" ? 443 : 80) : url.port,
      method: "CONNECT",
      path: target,
      agent: false,
      headers: {
        host: target,
        ...(user === "" ? {} : { "proxy-authorization": `Basic ${btoa(`${user}:${decodeURIComponent(url.password)}`)}` }),
      },
    })
    request.once("connect", (response, socket) => {
      if (response.statusCode === 200) return resume(Effect.succeed(socket))
      socket.destroy()
      resume(Effect.fail(lost(`the proxy ${url.host} answered ${response.statusCode} to CONNECT`)))
    })
    request.once("response", (response) => {
      response.destroy()
      resume(Effect.fail(lost(`the proxy ${url.host} answered ${response.statusCode} to CONNECT`)))
    })
    request.once("error", (cause) => {
      const { message } = fromCause(cause)
      resume(Effect.fail(lost(`the proxy ${url.host}: ${message}`)))
    })
    request.end()
    return Effect.sync(() => request.destroy())
  })
