/** Each of these was given to Go (sigs.k8s.io/yaml 1.6.0); `test/integration/charts.test.ts` gives it thousands. */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { parseYaml } from "../../../../src/effects/config/yaml-position.ts"

const problemsOf = (text: string): ReadonlyArray<string> =>
  Result.match(parseYaml(text), {
    onFailure: (problems) => problems.map(({ at, message }) => `${at?.line}:${at?.column}: ${message}`),
    onSuccess: () => [],
  })

const tab = "a tab here is refused by kubectl and Helm; use spaces"
const anchor =
  "kubectl and Helm refuse an anchor whose name has other characters than letters, digits, _ and -; rename it"
const inBrackets = "kubectl and Helm refuse a ? in a word within brackets; put it in quotes"

describe("what YAML 1.2 allows and go-yaml does not", () => {
  const refused: ReadonlyArray<readonly [text: string, problem: string]> = [
    ["%YAML 1.2\n---\na: b\n", "1:1: %YAML 1.2: kubectl and Helm refuse every version but 1.1; remove the line"],
    [
      "%FOO x\n---\na: b\n",
      "1:1: %FOO: kubectl and Helm refuse directives other than %YAML 1.1 and %TAG; remove the line",
    ],
    ['{"a.io\\/b": 1}', "1:7: the escape \\/ is refused by kubectl and Helm; write /"],
    ['a: "\\ud83d\\ude00"', "1:5: the escape \\ud83d is refused by kubectl and Helm; write the character itself"],
    ["a: &w.1 x", `1:4: ${anchor}`],
    ["a: &é x", `1:4: ${anchor}`],
    ["a: 'x'\n\t\nb: 1\n", `2:1: ${tab}`],
    ["a:\n  \t\n  b: 1\n", `2:1: ${tab}`],
    ["m:\n  a: x\n  \t\n  b: 1\n", `3:1: ${tab}`],
    ["- \tx\n", `1:2: ${tab}`],
    ["m:\n  a: |\n\n    \tx\n", `4:5: ${tab}`],
    ["a: {b: http://x/?c=d}", `1:8: ${inBrackets}`],
    ["a: [:b]", "1:5: kubectl and Helm refuse a colon that begins a word within brackets; put it in quotes"],
    ["{a:}", "1:3: kubectl and Helm take this colon for a part of the word before it; put a space after it"],
    ["# \u001B[31m\na: b", "1:3: the control character U+001B is refused by kubectl and Helm"],
    ["a: '\u0002'", "1:5: the control character U+0002 is refused by kubectl and Helm"],
    [
      "# x\u2028a: b",
      "1:4: U+2028 is a line break to kubectl and Helm; remove it, or write it as an escape in double quotes",
    ],
    [
      "# x\ra: b",
      "1:4: U+000D is a line break to kubectl and Helm; remove it, or write it as an escape in double quotes",
    ],
    ["a: .inf", "1:4: .inf is no number of JSON, and so refused by kubectl and Helm; put it in quotes"],
  ]
  for (const [text, problem] of refused)
    it(JSON.stringify(text), () => assert.deepStrictEqual(problemsOf(text), [problem]))

  const taken = [
    "%YAML 1.1\n---\na: b\n",
    "%TAG ! tag:example.com,2000:\n---\na: !b c\n",
    'a: "\\u00e9\\x41\\e\\N\\_\\L\\P\\0\\U0001F600 \\\\/"',
    "a: &w-1_ x\nb: *w-1_\n",
    "a: x\n \t\nb: 1\n",
    "a:\tb\t# c\n",
    "a: [b,\n  \tc]\n",
    "a: http://x/?b=c\nd: :e\nf: ?g\n",
    "a: |2\n  \tx\n",
    "a: 'x\u2028y'\nb: 😀\n",
    '{"a":1, "b":"c"}',
    "a: 'it''s ?'\n",
  ]
  for (const text of taken) it(`taken: ${JSON.stringify(text)}`, () => assert.deepStrictEqual(problemsOf(text), []))
})
