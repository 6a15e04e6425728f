/**
 * Certificates for the test ground: a small X.509 v3 writer.
 *
 * Node can sign but not write certificates, and a fresh machine need not have openssl. Everything is ECDSA P-256 with
 * SHA-256 (RFC 5280, RFC 5480). Version 3 matters: Deno refuses the version 1 client certificates that openssl makes by default.
 */
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto"
import { isIP } from "node:net"

export interface Credential {
  /** PEM certificate. */
  readonly cert: string
  /** PEM private key (PKCS #8). */
  readonly key: string
}

export interface CertificateAuthority extends Credential {
  readonly commonName: string
  readonly issue: (request: CertificateRequest) => Credential
}

export interface CertificateRequest {
  readonly commonName: string
  /** Kubernetes reads them as groups. */
  readonly organizations?: ReadonlyArray<string>
  /** DNS names and IP addresses that a server certificate is good for. */
  readonly hosts?: ReadonlyArray<string>
  readonly usage: "server" | "client"
  readonly notBefore?: Date
  readonly notAfter?: Date
}

const day = 24 * 60 * 60 * 1000
/** Clocks of two processes on one machine agree; the margin is for certificates that a test copies elsewhere. */
const clockMargin = 5 * 60 * 1000

const tag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
  /** Context-specific tags of X.509: version, extensions; names inside a SAN. */
  version: 0xa0,
  extensions: 0xa3,
  dnsName: 0x82,
  ipAddress: 0x87,
} as const

const oids = {
  commonName: "2.5.4.3",
  organization: "2.5.4.10",
  keyUsage: "2.5.29.15",
  subjectAltName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  extendedKeyUsage: "2.5.29.37",
  serverAuth: "1.3.6.1.5.5.7.3.1",
  clientAuth: "1.3.6.1.5.5.7.3.2",
  ecdsaWithSha256: "1.2.840.10045.4.3.2",
} as const

const derLength = (length: number): Buffer => {
  if (length < 0x80) return Buffer.from([length])
  const bytes = length < 0x100 ? [length] : [length >> 8, length & 0xff]
  return Buffer.from([0x80 | bytes.length, ...bytes])
}

const der = (type: number, ...parts: ReadonlyArray<Uint8Array>): Buffer => {
  const body = Buffer.concat(parts)
  return Buffer.concat([Buffer.from([type]), derLength(body.length), body])
}

const sequence = (...parts: ReadonlyArray<Uint8Array>): Buffer => der(tag.sequence, ...parts)

/** A bit string of whole bytes. */
const bitString = (bytes: Uint8Array): Buffer => der(tag.bitString, Buffer.from([0]), bytes)

const base128 = (value: number): ReadonlyArray<number> => {
  const bytes = [value & 0x7f]
  for (let rest = value >> 7; rest > 0; rest >>= 7) bytes.unshift((rest & 0x7f) | 0x80)
  return bytes
}

const oid = (dotted: string): Buffer => {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number)
  return der(tag.oid, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]))
}

/** Positive: a leading 1 bit would make it negative. */
const serialNumber = (): Buffer => {
  const bytes = randomBytes(16)
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40
  return der(tag.integer, bytes)
}

/** RFC 5280 §4.1.2.5: UTCTime up to 2049, GeneralizedTime from then on. */
const time = (date: Date): Buffer => {
  const digits = `${date.toISOString().replaceAll(/[-:T]/g, "").slice(0, 14)}Z`
  return date.getUTCFullYear() < 2050
    ? der(tag.utcTime, Buffer.from(digits.slice(2)))
    : der(tag.generalizedTime, Buffer.from(digits))
}

const attribute = (type: string, value: string): Buffer =>
  der(tag.set, sequence(oid(type), der(tag.utf8String, Buffer.from(value))))

const distinguishedName = (commonName: string, organizations: ReadonlyArray<string> = []): Buffer =>
  sequence(
    ...organizations.map((organization) => attribute(oids.organization, organization)),
    attribute(oids.commonName, commonName),
  )

const extension = (type: string, critical: boolean, value: Uint8Array): Buffer =>
  sequence(oid(type), ...(critical ? [der(tag.boolean, Buffer.from([0xff]))] : []), der(tag.octetString, value))

const words = (text: string): ReadonlyArray<string> => text.split(":").filter((word) => word !== "")

const ipBytes = (address: string): Buffer => {
  if (isIP(address) === 4) return Buffer.from(address.split(".").map(Number))
  const [head = "", tail = ""] = address.split("::")
  const zeros = Array.from({ length: 8 - words(head).length - words(tail).length }, () => "0")
  return Buffer.from([...words(head), ...zeros, ...words(tail)].map((word) => word.padStart(4, "0")).join(""), "hex")
}

const subjectAltName = (hosts: ReadonlyArray<string>): Buffer =>
  sequence(
    ...hosts.map((host) =>
      isIP(host) === 0 ? der(tag.dnsName, Buffer.from(host)) : der(tag.ipAddress, ipBytes(host)),
    ),
  )

/** keyUsage bits, first bit leftmost, with the number of unused bits before them. */
const keyCertSign = der(tag.bitString, Buffer.from([1, 0b0000_0110]))
const digitalSignature = der(tag.bitString, Buffer.from([7, 0b1000_0000]))

const caExtensions = (): ReadonlyArray<Buffer> => [
  extension(oids.basicConstraints, true, sequence(der(tag.boolean, Buffer.from([0xff])))),
  extension(oids.keyUsage, true, keyCertSign),
]

const leafExtensions = (request: CertificateRequest): ReadonlyArray<Buffer> => [
  extension(oids.basicConstraints, true, sequence()),
  extension(oids.keyUsage, true, digitalSignature),
  extension(
    oids.extendedKeyUsage,
    false,
    sequence(oid(request.usage === "server" ? oids.serverAuth : oids.clientAuth)),
  ),
  ...(request.hosts === undefined ? [] : [extension(oids.subjectAltName, false, subjectAltName(request.hosts))]),
]

interface Unsigned {
  readonly issuer: Buffer
  readonly subject: Buffer
  readonly publicKey: KeyObject
  readonly notBefore: Date
  readonly notAfter: Date
  readonly extensions: ReadonlyArray<Buffer>
}

const signCertificate = (unsigned: Unsigned, issuerKey: KeyObject): string => {
  const algorithm = sequence(oid(oids.ecdsaWithSha256))
  const toBeSigned = sequence(
    der(tag.version, der(tag.integer, Buffer.from([2]))),
    serialNumber(),
    algorithm,
    unsigned.issuer,
    sequence(time(unsigned.notBefore), time(unsigned.notAfter)),
    unsigned.subject,
    unsigned.publicKey.export({ type: "spki", format: "der" }),
    der(tag.extensions, sequence(...unsigned.extensions)),
  )
  const signature = sign("sha256", toBeSigned, issuerKey)
  const base64 = sequence(toBeSigned, algorithm, bitString(signature)).toString("base64")
  const lines = base64.match(/.{1,64}/g) ?? []
  return ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n")
}

const newKeyPair = () => generateKeyPairSync("ec", { namedCurve: "P-256" })

const pemOf = (key: KeyObject): string => key.export({ type: "pkcs8", format: "pem" })

/** A new private CA, good for ten days. Two CAs of one name are two CAs: neither trusts the other's certificates. */
export const createAuthority = (commonName: string): CertificateAuthority => {
  const authority = newKeyPair()
  const subject = distinguishedName(commonName)
  const notBefore = new Date(Date.now() - clockMargin)
  const notAfter = new Date(Date.now() + 10 * day)
  const cert = signCertificate(
    { issuer: subject, subject, publicKey: authority.publicKey, notBefore, notAfter, extensions: caExtensions() },
    authority.privateKey,
  )
  const issue = (request: CertificateRequest): Credential => {
    const leaf = newKeyPair()
    const unsigned: Unsigned = {
      issuer: subject,
      subject: distinguishedName(request.commonName, request.organizations),
      publicKey: leaf.publicKey,
      notBefore: request.notBefore ?? notBefore,
      notAfter: request.notAfter ?? notAfter,
      extensions: leafExtensions(request),
    }
    return { cert: signCertificate(unsigned, authority.privateKey), key: pemOf(leaf.privateKey) }
  }
  return { commonName, cert, key: pemOf(authority.privateKey), issue }
}

/** A key pair to sign service account tokens with. */
export const createSigningKey = (): { readonly publicKey: string; readonly privateKey: string } => {
  const pair = newKeyPair()
  return {
    publicKey: pair.publicKey.export({ type: "spki", format: "pem" }),
    privateKey: pemOf(pair.privateKey),
  }
}
