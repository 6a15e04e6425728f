/** What can go wrong below HTTP semantics, in words that a user can act on. */
import { Predicate, Schema } from "effect"

export class TransportError extends Schema.TaggedError<TransportError>()("TransportError", {
  /**
   * unreachable: no connection, or a broken one. untrusted: their certificate. refused: ours. credentials: ours cannot even be read.
   * protocol: they do not speak HTTP/2. fenced: the request may not leave any more.
   */
  kind: Schema.Literals(["unreachable", "untrusted", "refused", "credentials", "protocol", "fenced"]),
  /** The system's or TLS's code: `ECONNREFUSED`, `SELF_SIGNED_CERT_IN_CHAIN`; empty where there is none. */
  code: Schema.String,
  message: Schema.String,
  /** The server has certainly not acted on the request, so the same request may be sent again. */
  notSent: Schema.Boolean,
}) {}

/** Codes of OpenSSL's, BoringSSL's and Node's certificate checks. */
const certificateCodes =
  /^(ERR_TLS_CERT_|CERT_|SELF_SIGNED_CERT|DEPTH_ZERO_SELF_SIGNED|UNABLE_TO_(GET|VERIFY|DECODE)|INVALID_CA|HOSTNAME_MISMATCH|UNKNOWN_CERTIFICATE)/

/** An alert is what the other side says; those about certificates are about ours. */
const isAlertAboutOurs = (code: string, text: string): boolean =>
  /alert/i.test(`${code} ${text}`) && /certificate|unknown.ca|access.denied/i.test(`${code} ${text}`)

const isUnreadable = (code: string, text: string): boolean =>
  /^ERR_OSSL_|^ERR_CRYPTO_|PEM_(READ|NO_START)|^ERR_TLS_INVALID/.test(code) ||
  /PEM routines|no start line|key values mismatch|bad decrypt|bad base64 decode|invalid pem/i.test(text)

const plainWords: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ENOTFOUND: "no such host",
  EAI_AGAIN: "the host name cannot be looked up now",
  ETIMEDOUT: "timed out",
  EHOSTUNREACH: "no route to host",
  ENETUNREACH: "network is unreachable",
  EADDRNOTAVAIL: "the address cannot be reached from here",
  ECONNRESET: "the connection was closed by the server",
  EPIPE: "the connection was closed by the server",
  ERR_HTTP2_GOAWAY_SESSION: "the server is closing the connection",
  ERR_HTTP2_INVALID_SESSION: "the connection was closed",
  ERR_HTTP2_STREAM_CANCEL: "the connection was closed",
  ERR_STREAM_PREMATURE_CLOSE: "the connection was closed",
}

/** Errors by which Node says that the request never left. */
const neverLeft = new Set(["ERR_HTTP2_GOAWAY_SESSION", "ERR_HTTP2_INVALID_SESSION", "ERR_HTTP2_OUT_OF_STREAMS"])

const codeOf = (cause: unknown): string => {
  const code = Predicate.hasProperty(cause, "code") ? cause.code : undefined
  return typeof code === "string" ? code : ""
}

/** Several addresses of one name fail together (`AggregateError`): the first says enough. */
const firstOf = (cause: unknown): unknown =>
  Predicate.hasProperty(cause, "errors") && Array.isArray(cause.errors) ? (cause.errors[0] ?? cause) : cause

/** A stream that dies with its session names the session's error as its cause. */
const rootOf = (cause: unknown): unknown =>
  codeOf(cause) === "ERR_HTTP2_STREAM_CANCEL" && Predicate.hasProperty(cause, "cause") && Predicate.isError(cause.cause)
    ? cause.cause
    : cause

/** Node's advice about options of Node itself says nothing to our users. */
const withoutAdvice = (text: string): string => text.replace(/; if the root CA is installed locally.*$/s, "")

const firstLine = (text: string): string => withoutAdvice(text.split("\n")[0] ?? "")

export const fromCause = (given: unknown): TransportError => {
  if (given instanceof TransportError) return given
  const cause = rootOf(firstOf(given))
  if (cause instanceof TransportError) return cause
  const code = codeOf(cause)
  const text = firstLine(Predicate.isError(cause) ? cause.message : String(cause))
  if (isAlertAboutOurs(code, text))
    return new TransportError({
      kind: "refused",
      code,
      message: `the server does not accept our client certificate: ${text}`,
      notSent: true,
    })
  if (isUnreadable(code, text))
    return new TransportError({
      kind: "credentials",
      code,
      message: `a certificate or key of the kubeconfig cannot be read: ${text}`,
      notSent: true,
    })
  if (certificateCodes.test(code) || /certificate/i.test(text))
    return new TransportError({
      kind: "untrusted",
      code: code === "" ? "CERTIFICATE" : code,
      message: `the server's certificate is not trusted: ${text}`,
      notSent: true,
    })
  return new TransportError({
    kind: "unreachable",
    code,
    message: plainWords[code] ?? text,
    notSent: neverLeft.has(code),
  })
}

/** In the words of whoever reads of it. */
export const notSent = "not sent: whoever asked for it may not write any more"

/** Held back at the last moment, by the `Fence`. */
export const fenced = (): TransportError =>
  new TransportError({
    kind: "fenced",
    code: "",
    message: notSent,
    notSent: true,
  })

/** A connection that is gone or never was. */
export const lost = (message: string, code = ""): TransportError =>
  new TransportError({ kind: "unreachable", code, message, notSent: false })
