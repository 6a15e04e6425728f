/** Names of places within a value, for messages. */
import { cutText } from "./cut-text.ts"

const longest = 60

/** In quotes, on one line, cut when long. */
export const quote = (text: string): string =>
  JSON.stringify(text.length > longest ? `${cutText(text, longest)}…` : text)

/** `matchLabels["a.b/c"]`, `matchExpressions[0].values`; appended to `base` when there is one. */
export const formatPath = (steps: ReadonlyArray<string | number>, base = ""): string =>
  steps.reduce<string>((path, step) => {
    if (typeof step === "number") return `${path}[${step}]`
    if (!/^[\w-]+$/.test(step)) return `${path}[${quote(step)}]`
    return path === "" ? step : `${path}.${step}`
  }, base)
