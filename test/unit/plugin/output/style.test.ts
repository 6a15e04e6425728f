import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Ref } from "effect"
import { TestClock } from "effect/testing"
import { parse } from "yaml"
import { toJson, toJsonLine, toYaml } from "../../../../src/plugin/output/print-object.ts"
import { makeProgress, progressLine } from "../../../../src/plugin/output/progress.ts"
import { paint, styleFor, symbol, toLocale } from "../../../../src/plugin/output/style.ts"
import { Terminal } from "../../../../src/plugin/output/terminal.ts"
import { renderVersion, skewWarning } from "../../../../src/plugin/output/version-text.ts"

describe("structured output", () => {
  const value = {
    plain: "text",
    "key\u200b": "\u202eevil\u001b[2J",
    lines: "a\nb\n",
    carriage: "a\r\nb",
    on: "on",
    date: "2026-11-24",
    number: "012",
    list: [{ a: 1 }, []],
    astral: "\u{e0041}",
  }
  it("YAML and JSON mean what went in, and hold nothing that a terminal obeys", () => {
    for (const text of [toYaml(value), toJson(value), toJsonLine(value)]) {
      assert.notMatch(text, /[^\n\u0020-\u007e]/)
      assert.deepStrictEqual(parse(text, { version: "1.1" }), value)
    }
    assert.deepStrictEqual(JSON.parse(toJson(value)), value)
  })
  it("looks like kubectl's YAML", () => {
    assert.strictEqual(toYaml({ a: [{ b: "on", c: "x\ny\n" }], d: {} }), 'a:\n- b: "on"\n  c: |\n    x\n    y\nd: {}\n')
  })
})

describe("style", () => {
  const base = { choice: "auto", isTty: true, env: { LANG: "en_US.UTF-8" }, platform: "linux" } as const
  const color = (input: Partial<Parameters<typeof styleFor>[0]>) => styleFor({ ...base, ...input }).color
  it("colour on a terminal only, and never against the user's will", () => {
    assert.isTrue(color({}))
    assert.isFalse(color({ isTty: false }))
    assert.isFalse(color({ env: { NO_COLOR: "1" } }))
    assert.isTrue(color({ env: { NO_COLOR: "" } }))
    assert.isFalse(color({ env: { TERM: "dumb" } }))
    assert.isFalse(color({ choice: "never" }))
    assert.isTrue(color({ choice: "always", isTty: false, env: { NO_COLOR: "1" } }))
  })
  const unicode = (env: Record<string, string>, platform = "linux") => styleFor({ ...base, env, platform }).unicode
  it("ASCII where the locale has no more; LC_ALL counts before LANG", () => {
    assert.isTrue(unicode({ LANG: "de_DE.utf8" }))
    assert.isFalse(unicode({ LC_ALL: "C", LANG: "en_US.UTF-8" }))
    assert.isFalse(unicode({}))
    assert.isTrue(unicode({}, "win32"))
  })
  it("symbols stand in both", () => {
    const ascii = { color: false, unicode: false }
    assert.strictEqual(
      (["ok", "warning", "broken", "waiting"] as const).map((name) => symbol(ascii, name)).join(""),
      "+!x~",
    )
    assert.strictEqual(toLocale(ascii, "✓ a · b – größe …"), "+ a | b - gr??e ...")
    assert.strictEqual(paint({ color: true, unicode: true }, "bad", "x"), "\u001b[31mx\u001b[0m")
  })
})

const recorded = (columns: number | undefined) =>
  Effect.gen(function* () {
    const written = yield* Ref.make<ReadonlyArray<string>>([])
    const style = { color: false, unicode: true }
    const terminal = Layer.succeed(Terminal, {
      out: () => Effect.die("progress is no answer"),
      err: (text) => Ref.update(written, (all) => [...all, text]),
      outStyle: style,
      errStyle: style,
      outColumns: columns,
      errColumns: columns,
    })
    yield* Effect.scoped(
      Effect.gen(function* () {
        const progress = yield* makeProgress
        progress.report({ done: 1, total: 4, what: "things" })
        yield* TestClock.adjust("10 seconds")
        progress.report({ done: 2, total: 4, what: "things" })
        yield* TestClock.adjust("10 seconds")
      }),
    ).pipe(Effect.provide(terminal))
    return yield* Ref.get(written)
  })

describe("progress", () => {
  it("says how far, and how long still", () => {
    assert.strictEqual(
      progressLine({ done: 1204, total: 5000, what: "ExternalSecrets" }, 13_000),
      "syncing 1,204/5,000 ExternalSecrets  24 %  41 s left",
    )
    assert.strictEqual(progressLine({ done: 0, total: 1_234_567, what: "x" }, 13_000), "syncing 0/1,234,567 x  0 %")
    assert.strictEqual(progressLine({ done: 5, total: 5, what: "x" }, 13_000), "syncing 5/5 x  100 %")
    assert.strictEqual(
      progressLine({ done: 10, total: 1000, what: "x" }, 13_000),
      "syncing 10/1,000 x  1 %  21m27s left",
    )
  })

  it.effect("a line every ten seconds in a log", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* recorded(undefined), [
        "syncing 1/4 things  25 %  30 s left\n",
        "syncing 2/4 things  50 %  20 s left\n",
      ])
    }),
  )
  it.effect("one line that redraws on a terminal, and is gone at the end", () =>
    Effect.gen(function* () {
      const written = yield* recorded(30)
      assert.strictEqual(written[0], "\r\u001b[Ksyncing 1/4 things  25 %")
      for (const text of written) {
        assert.notInclude(text, "\n")
        assert.isAtMost(text.replace("\r\u001b[K", "").length, 29)
      }
      assert.strictEqual(written.at(-1), "\r\u001b[K")
    }),
  )
})

describe("versions", () => {
  it("those that are known", () => {
    assert.strictEqual(renderVersion({ client: "0.1.0" }), "kubectl-vcluster-es:  v0.1.0\n")
    assert.strictEqual(
      renderVersion({
        client: "0.1.0",
        host: { kubernetes: "v1.35.4", eso: "0.20.4", esoApi: ["v1"] },
        vcluster: { name: "a", namespace: "team-x", version: "0.36.1" },
        syncer: "0.1.2",
      }),
      `kubectl-vcluster-es:  v0.1.0
Syncer:               v0.1.2
vCluster:             v0.36.1 (team-x/a)
ESO:                  v0.20.4 (serves v1)
Kubernetes:           v1.35.4
`,
    )
  })
  it("warns of a syncer of another line", () => {
    assert.isUndefined(skewWarning({ client: "0.1.0" }))
    assert.isUndefined(skewWarning({ client: "0.1.0", syncer: "v0.1.9" }))
    assert.include(
      skewWarning({ client: "0.1.0", syncer: "0.2.0" }),
      "the syncer in the cluster is v0.2.0, this program v0.1.0",
    )
    assert.isUndefined(skewWarning({ client: "1.1.0", syncer: "1.4.0" }))
  })
})
