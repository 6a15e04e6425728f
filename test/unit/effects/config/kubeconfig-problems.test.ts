/** What is told of a kubeconfig that cannot be used; never a secret. */
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { join } from "node:path"
import { loadKubeconfig, type Overrides, parseKubeconfig } from "../../../../src/effects/config/kubeconfig.ts"
import { home, loadSimple, message, simple } from "./kubeconfig-home.ts"

it.effect("says what is wrong in one line", () =>
  Effect.gen(function* () {
    assert.strictEqual(
      yield* message(Effect.flatMap(home({}), ({ surroundings }) => loadKubeconfig(undefined, {}, surroundings))),
      "no kubeconfig: neither --kubeconfig, KUBECONFIG nor ~/.kube/config names a readable file",
    )
    assert.match(
      yield* message(
        Effect.flatMap(home({}, { KUBECONFIG: "HOME/a" }), ({ surroundings }) =>
          loadKubeconfig(undefined, {}, surroundings),
        ),
      ),
      /^no kubeconfig: KUBECONFIG names .*\/a, which does not exist$/,
    )
    const cases: ReadonlyArray<readonly [Overrides, string]> = [
      [{ context: "prdo" }, 'context "prdo" does not exist in ~/.kube/config (did you mean "prod"?)'],
      [
        { context: "completely" },
        'context "completely" does not exist in ~/.kube/config (there are: prod, dev, broken, nobody)',
      ],
      [{ context: "broken" }, 'cluster "gone" does not exist in ~/.kube/config (there are: p, d)'],
      [{ context: "nobody" }, 'user "departed" does not exist in ~/.kube/config (there are: jane)'],
      [{ user: "jan" }, 'user "jan" does not exist in ~/.kube/config (did you mean "jane"?)'],
      [{ server: "nonsense" }, '~/.kube/config: the server "nonsense" is no https:// address'],
      [{ server: "ftp://x" }, '~/.kube/config: the server "ftp://x" is no https:// address'],
    ]
    for (const [overrides, text] of cases) assert.strictEqual(yield* message(loadSimple(overrides)), text)
    const { folder, surroundings } = yield* home({
      "tabs.yaml": "a: b\nc: [\n",
      "types.yaml": "users: [{name: a, user: {token: [hunter2]}}]",
      "text.yaml": "hunter2",
      "empty.yaml": "",
      "aimless.yaml": "contexts: [{name: a, context: {cluster: b, user: c}}]",
      "group.yaml": simple,
    })
    const load = (file: string, overrides: Overrides = {}) =>
      message(loadKubeconfig(join(folder, file), overrides, surroundings))
    assert.strictEqual(yield* load("absent.yaml"), "kubeconfig ~/absent.yaml does not exist")
    assert.strictEqual(yield* load("."), "kubeconfig ~ is a directory".replace("~", folder))
    assert.match(yield* load("tabs.yaml"), /^~\/tabs\.yaml:3:1: /)
    assert.strictEqual(
      yield* load("types.yaml"),
      "~/types.yaml is not a kubeconfig: users[0].user.token has a value of the wrong type",
    )
    assert.strictEqual(
      yield* load("text.yaml"),
      "~/text.yaml is not a kubeconfig: the file has a value of the wrong type",
    )
    assert.strictEqual(yield* load("empty.yaml"), "~/empty.yaml has no current context; name one with --context")
    assert.strictEqual(
      yield* load("aimless.yaml"),
      "~/aimless.yaml has no current context; name one with --context (there are: a)",
    )
    assert.strictEqual(
      yield* load("group.yaml", { context: "dev", user: "jane", impersonate: { user: "" } }),
      "impersonating a group or a UID takes a user too: --as USER",
    )
  }),
)

it.effect("refuses what kubectl cannot read, and never says a token", () =>
  Effect.gen(function* () {
    const problem = (token: string) => message(parseKubeconfig(simple.replace("secret-token", token), "Secret a/b"))
    const texts: ReadonlyArray<readonly [token: string, expected: RegExp]> = [
      ['"hunter2\\/x"', /^Secret a\/b:\d+:\d+: the escape \\\/ is refused by kubectl and Helm/],
      ["*hunter2", /^Secret a\/b:\d+:\d+: unknown alias$/],
      ["!!int hunter2", /!!int does not go with this value$/],
      ["&hunter.2 x", /anchor whose name/],
    ]
    for (const [token, expected] of texts) {
      assert.match(yield* problem(token), expected)
      assert.notInclude(yield* problem(token), "hunter")
    }
  }),
)

it.effect("refuses a token that no header can carry, and never says it", () =>
  Effect.gen(function* () {
    const source = yield* parseKubeconfig(simple.replace("secret-token", '"hunter2\\nx"'), "Secret a/b")
    const text = yield* message(source.credentials(false))
    assert.include(text, "authorization")
    assert.notInclude(text, "hunter2")
  }),
)
