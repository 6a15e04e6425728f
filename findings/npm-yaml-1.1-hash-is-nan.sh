#!/usr/bin/env bash
# Guess: to read YAML as Go's programs write it, npm's yaml needs `version: "1.1"`.
# Seen:  in that mode an e before digits, or a lone point, is a float without a digit, and so NaN, without an error or a warning.
#        Go writes these words without quotes, since to it they are text. Every JSON that is made of it has null.
# With:  npm yaml 2.9.1, sigs.k8s.io/yaml v1.6.0.
# Here:  e20 is a short git commit or a ticket, so a label's value in the `vc-config-NAME` that Helm wrote.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

cat >go.mod <<'E'
module finding

go 1.26

require sigs.k8s.io/yaml v1.6.0
E
cat >main.go <<'E'
package main

import (
	"fmt"

	"sigs.k8s.io/yaml"
)

func main() {
	text, err := yaml.Marshal(map[string]string{"commit": "e20", "ticket": "e040808", "mark": ".", "minus": "-."})
	fmt.Print(string(text))
	if err != nil {
		panic(err)
	}
}
E
npm i --no-audit --no-fund --silent yaml@2.9.1
cat >main.mjs <<'E'
import { readFileSync } from "node:fs"
import { parseDocument } from "yaml"

const text = readFileSync("written.yaml", "utf8")
for (const version of ["1.2", "1.1"]) {
  const document = parseDocument(text, { version })
  console.log(version, document.toJS(), `${document.errors.length} errors, ${document.warnings.length} warnings`)
}
E
cat >expected <<'E'
commit: e20
mark: .
minus: -.
ticket: e040808
1.2 { commit: 'e20', mark: '.', minus: '-.', ticket: 'e040808' } 0 errors, 0 warnings
1.1 { commit: NaN, mark: NaN, minus: NaN, ticket: NaN } 0 errors, 0 warnings
E
GOFLAGS=-mod=mod go run . >written.yaml
{
  cat written.yaml
  node main.mjs
} >seen
cat seen
diff -u expected seen
