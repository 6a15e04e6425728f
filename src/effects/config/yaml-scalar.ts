/**
 * What an unquoted word is to kubectl, Helm and everything else that reads with sigs.k8s.io/yaml (go-yaml v2, `resolve.go`):
 * YAML 1.1 in its booleans, octal numbers and underscores, and text where a number would not fit.
 */
import { Result } from "effect"
import * as Base64 from "effect/encoding/Base64"

/** Whole numbers are bigints: as a key, each of their digits counts. */
export type ResolvedScalar = string | number | bigint | boolean | null

const words: ReadonlyMap<string, boolean | number | null> = new Map<string, boolean | number | null>([
  ...["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"].map((word) => [word, true] as const),
  ...["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"].map((word) => [word, false] as const),
  ...["", "~", "null", "Null", "NULL"].map((word) => [word, null] as const),
  ...[".nan", ".NaN", ".NAN"].map((word) => [word, Number.NaN] as const),
  ...[".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"].map((word) => [word, Number.POSITIVE_INFINITY] as const),
  ...["-.inf", "-.Inf", "-.INF"].map((word) => [word, Number.NEGATIVE_INFINITY] as const),
])

const integer = /^([-+]?)(0x[\da-f]+|0b[01]+|0o[0-7]+|0[0-7]*|[1-9]\d*)$/i
/** go-yaml hands what follows the prefix to Go's parser once more, which takes a sign there. */
const signedBinary = /^0b([-+])([01]+)$/
const float = /^[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?$/
/** Without a digit before the point, underscores stay, and stand between digits only. */
const bareFraction = /^\.\d+(_\d+)*([eE][-+]?\d+(_\d+)*)?$/

const int64 = { min: -(2n ** 63n), max: 2n ** 63n - 1n }
const uint64Max = 2n ** 64n - 1n

/** `017` is octal in YAML 1.1. */
const magnitude = (digits: string): bigint => BigInt(/^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits)

/** Undefined when it does not fit: an unsigned one of 64 bits fits without a sign only. */
const fitting = (sign: string, size: bigint): bigint | undefined => {
  const value = sign === "-" ? -size : size
  if (value >= int64.min && value <= int64.max) return value
  return sign === "" && value <= uint64Max ? value : undefined
}

const parseInteger = (plain: string): bigint | undefined => {
  const [, sign, digits] = integer.exec(plain) ?? []
  if (sign !== undefined && digits !== undefined) return fitting(sign, magnitude(digits))
  const [, inner, bits] = signedBinary.exec(plain) ?? []
  return inner === undefined || bits === undefined ? undefined : fitting(inner, BigInt(`0b${bits}`))
}

/** Undefined when it overflows a float64. */
const parseFloat64 = (plain: string, pattern: RegExp): number | undefined => {
  if (!pattern.test(plain)) return undefined
  const value = Number(plain.replaceAll("_", ""))
  return Number.isFinite(value) ? value : undefined
}

/** @param text of a scalar without quotes and without a tag */
export const resolvePlain = (text: string): ResolvedScalar => {
  const word = words.get(text)
  if (word !== undefined) return word
  if (text.startsWith(".")) return parseFloat64(text, bareFraction) ?? text
  if (!/^[-+\d]/.test(text)) return text
  const plain = text.replaceAll("_", "")
  return parseInteger(plain) ?? parseFloat64(plain, float) ?? text
}

const typeOf = (value: ResolvedScalar): string => {
  if (value === null) return "null"
  if (typeof value === "boolean") return "bool"
  if (typeof value === "bigint") return "int"
  return typeof value === "number" ? "float" : "str"
}

const decodeBinary = (text: string): Result.Result<ResolvedScalar, string> =>
  Result.mapError(Base64.decodeString(text.replaceAll(/[\r\n]/g, "")), () => "!!binary is not valid base64")

/** @param tag without `tag:yaml.org,2002:`; those that YAML does not define change nothing */
export const resolveTagged = (tag: string, text: string): Result.Result<ResolvedScalar, string> => {
  if (tag === "binary") return decodeBinary(text)
  if (!["bool", "int", "float", "null", "timestamp"].includes(tag)) return Result.succeed(text)
  const value = resolvePlain(text)
  if (tag === "float" && typeof value === "bigint") return Result.succeed(Number(value))
  if (tag === "timestamp" && /^\d{4}-\d/.test(text)) return Result.succeed(text)
  return typeOf(value) === tag ? Result.succeed(value) : Result.fail(`!!${tag} does not go with this value`)
}

/** Go's `strconv.FormatFloat(value, 'g', -1, 32)`: as few digits as tell a float32 from its neighbours. */
const formatFloat32 = (value: number): string => {
  const single = Math.fround(value)
  if (Number.isNaN(single)) return ".nan"
  if (!Number.isFinite(single)) return single > 0 ? ".inf" : "-.inf"
  if (single === 0) return Object.is(single, -0) ? "-0" : "0"
  const precision = Array.from({ length: 9 }, (_, index) => index + 1).find(
    (digits) => Math.fround(Number(single.toPrecision(digits))) === single,
  )
  const [digits = "0", power = "0"] = single.toExponential((precision ?? 9) - 1).split("e")
  const exponent = Number(power)
  // A number of that precision in full: -4 and 21 are JavaScript's bounds, -4 and 6 are Go's; within Go's nothing is cut.
  if (exponent >= -4 && exponent < 6) return String(Number(`${digits}e${power}`))
  return `${digits}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`
}

/** The name of a key; undefined for what can't be one: nothing, and whole numbers from 2^63 on. */
export const keyText = (value: ResolvedScalar): string | undefined => {
  if (value === null) return undefined
  if (typeof value === "bigint") return value > int64.max ? undefined : String(value)
  return typeof value === "number" ? formatFloat32(value) : String(value)
}
