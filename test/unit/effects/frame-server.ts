/**
 * An HTTP/2 server made of frames (RFC 9113), for ends that Node's own server makes differently on each runtime: a stream that is
 * reset in the middle, a connection that is cut, a GOAWAY. It reads no headers; every request gets the same treatment.
 */
import { Effect } from "effect"
import * as tls from "node:tls"
import { serve, serving } from "./fault-server.ts"

const frame = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goaway: 7 } as const
const endStream = 1
const acknowledged = 1
const endHeaders = 4
const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".length
const headerSize = 9

const frameOf = (type: number, flags: number, stream: number, payload: Buffer): Buffer => {
  const header = Buffer.alloc(headerSize)
  header.writeUIntBE(payload.length, 0, 3)
  header.writeUInt8(type, 3)
  header.writeUInt8(flags, 4)
  header.writeUInt32BE(stream, 5)
  return Buffer.concat([header, payload])
}

const number = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** What a test may do with a request. */
export interface RawStream {
  readonly id: number
  /** `:status: 200`, index 8 of HPACK's static table. */
  readonly respond: () => void
  readonly data: (bytes: string | Uint8Array, last?: boolean) => void
  readonly reset: (code: number) => void
  readonly goaway: (lastStream: number, code: number) => void
  /** Ends the TCP connection without another word. */
  readonly cut: () => void
}

const streamOn = (socket: tls.TLSSocket, id: number, onGoaway: (lastStream: number) => void): RawStream => ({
  id,
  respond: () => socket.write(frameOf(frame.headers, endHeaders, id, Buffer.from([0x88]))),
  data: (bytes, last = false) => socket.write(frameOf(frame.data, last ? endStream : 0, id, Buffer.from(bytes))),
  reset: (code) => socket.write(frameOf(frame.reset, 0, id, number(code))),
  goaway: (lastStream, code) => {
    onGoaway(lastStream)
    socket.write(frameOf(frame.goaway, 0, 0, Buffer.concat([number(lastStream), number(code)])))
  },
  cut: () => socket.destroySoon(),
})

/** Splits what comes into frames. */
const reader = (onFrame: (type: number, flags: number, stream: number, payload: Buffer) => void) => {
  let rest = Buffer.alloc(0)
  let skip = preface
  return (chunk: Buffer): void => {
    rest = Buffer.concat([rest, chunk])
    if (rest.length < skip) return
    rest = rest.subarray(skip)
    skip = 0
    while (rest.length >= headerSize) {
      const end = headerSize + rest.readUIntBE(0, 3)
      if (rest.length < end) return
      onFrame(rest.readUInt8(3), rest.readUInt8(4), rest.readUInt32BE(5), rest.subarray(headerSize, end))
      rest = rest.subarray(end)
    }
  }
}

/**
 * @param onRequest called when a request has been sent in full; requests count from 0, over all connections. What comes after a
 *   GOAWAY that does not cover it is ignored, as the protocol has it
 */
export const startFrameServer = Effect.fnUntraced(function* (onRequest: (stream: RawStream, request: number) => void) {
  const counts = { connections: 0, requests: 0 }
  const server = tls.createServer({ ...serving, ALPNProtocols: ["h2"] }, (socket) => {
    counts.connections += 1
    let lastStream = Number.POSITIVE_INFINITY
    const onGoaway = (last: number) => {
      lastStream = last
    }
    socket.on("error", () => {})
    socket.write(frameOf(frame.settings, 0, 0, Buffer.alloc(0)))
    socket.on(
      "data",
      reader((type, flags, stream, payload) => {
        if (type === frame.settings && flags !== acknowledged)
          socket.write(frameOf(frame.settings, acknowledged, 0, Buffer.alloc(0)))
        if (type === frame.ping && flags !== acknowledged)
          socket.write(frameOf(frame.ping, acknowledged, 0, Buffer.from(payload)))
        const whole = (type === frame.headers || type === frame.data) && (flags & endStream) !== 0
        if (whole && stream <= lastStream) onRequest(streamOn(socket, stream, onGoaway), counts.requests++)
      }),
    )
  })
  const port = yield* serve(server)
  return { url: `https://127.0.0.1:${port}`, counts }
})
