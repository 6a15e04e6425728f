#!/usr/bin/env bash
# Guess: an option that needs a value and has none is an error; a number is a number as a whole.
# Seen:  for an optional option, no value at all and an empty value are both «not given», without a word. A number is read as far as
#        it goes: 0x10 is 0, 1_000 is 1, 5m is 5.
# With:  cmd-ts 0.15.0.
# Here:  `-n "$NAMESPACE"` with an empty variable, or a forgotten value at the end, would go to the default without a word.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

npm i --no-audit --no-fund --silent cmd-ts@0.15.0
cat >main.mjs <<'E'
import { command, number, option, optional, runSafely, string } from "cmd-ts"

const app = command({
  name: "app",
  args: {
    namespace: option({ long: "namespace", type: optional(string) }),
    workers: option({ long: "workers", type: optional(number) }),
  },
  handler: (args) => args,
})

for (const argv of [
  ["--namespace", "team"],
  ["--namespace", ""],
  ["--namespace="],
  ["--namespace"],
  ["--workers", "16"],
  ["--workers", "0x10"],
  ["--workers", "1_000"],
  ["--workers", "5m"],
  ["--workers", "many"],
]) {
  const result = await runSafely(app, argv)
  console.log(JSON.stringify(argv), result._tag === "ok" ? JSON.stringify(result.value) : "refused")
}
E
cat >expected <<'E'
["--namespace","team"] {"namespace":"team"}
["--namespace",""] {}
["--namespace="] {}
["--namespace"] {}
["--workers","16"] {"workers":16}
["--workers","0x10"] {"workers":0}
["--workers","1_000"] {"workers":1}
["--workers","5m"] {"workers":5}
["--workers","many"] refused
E
node main.mjs >seen
cat seen
diff -u expected seen
