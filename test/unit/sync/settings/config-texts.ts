/** What the tests of the settings share. */
import { assert } from "@effect/vitest"
import { Result } from "effect"
import { enableSnippet, parseValues } from "../../../../src/sync/settings/settings.ts"
import type { Settings } from "../../../../src/sync/settings/settings.ts"

export const file = "vcluster.yaml"

export const settingsOf = (text: string, hostNamespace?: string): Settings =>
  Result.match(parseValues(text, file, { namespace: hostNamespace }), {
    onFailure: (error) => assert.fail(`expected settings, got: ${error.message}`),
    onSuccess: (settings) => settings,
  })

export const problemsOf = (text: string): ReadonlyArray<string> =>
  Result.match(parseValues(text, file), {
    onFailure: (error) => error.message.split("\n"),
    onSuccess: () => [],
  })

/** Under `integrations.externalSecrets`, beside `enabled: true`; the first line of `body` is line 4. */
export const integration = (body: string): string =>
  `${enableSnippet}\n${body
    .split("\n")
    .map((line) => `    ${line}`)
    .join("\n")}\n`
