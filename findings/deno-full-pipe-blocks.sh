#!/usr/bin/env bash
# Guess: `process.stdout.write` returns at once, also into a pipe that is full: Node and Bun do the rest in the background.
# Seen:  under Deno it returns when all is read; until then no timer runs and no signal is heard.
# With:  npm deno 2.9.6, node 26.10.0, bun 1.4.5, on Linux.
# Here:  a syncer that ends by itself while nobody reads its output ends in time on Node and Bun (so in the binary), and not on Deno.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

cat >package.json <<'J'
{ "private": true, "allowScripts": { "bun": true, "deno": true, "node": true } }
J
npm i --no-audit --no-fund --silent deno@2.9.6 node@26.10.0 bun@1.4.5
cat >unread.mjs <<'J'
setTimeout(() => process.exit(3), 500)
process.stdout.write("x".repeat(3_000_000))
J
# Who should read is there for ten seconds, and reads nothing.
unread() {
  {
    code=0
    timeout --signal=KILL 8 "$@" unread.mjs || code=$?
    echo "$(basename "$1"): $code" >>outcome
  } | sleep 10
}
unread node_modules/.bin/node
unread node_modules/.bin/bun
unread node_modules/.bin/deno run -A
cat >expected <<'J'
node: 3
bun: 3
deno: 137
J
cat outcome
diff -u expected outcome
