#!/usr/bin/env bash
# Guess: re2js, a port of Go's `regexp`, takes the expressions that Go takes.
# Seen:  a group name that is given twice is an error for re2js; Go takes it. A class is found by its name in any case by Go (1.25 and
#        later), in one spelling by re2js; and re2js has Unicode's binary properties, of which Go knows none.
# With:  re2js 2.10.0, Go 1.25 or later (the `regexp` of its standard library).
# Here:  External Secrets Operator runs `conditions[].namespaceRegexes` of a ClusterSecretStore with Go; a JavaScript tool that reads the same
#        object must be ready to hear of an error, or of none, where ESO says otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

cat >patterns.json <<'P'
["^(?<env>dev)-a$|^(?<env>prod)-a$", "^\\p{greek}+$", "^\\p{Greek}+$", "^\\p{Uppercase}+$", "^\\p{Lu}+$"]
P
cat >go.mod <<'M'
module finding

go 1.25
M
cat >main.go <<'G'
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
)

func main() {
	text, _ := os.ReadFile("patterns.json")
	var patterns []string
	if err := json.Unmarshal(text, &patterns); err != nil {
		panic(err)
	}
	for _, pattern := range patterns {
		_, err := regexp.Compile(pattern)
		fmt.Printf("Go    %s %v\n", pattern, err == nil)
	}
}
G
npm i --no-audit --no-fund --silent re2js@2.10.0
cat >check.mjs <<'J'
import { readFileSync } from "node:fs"
import { RE2JS } from "re2js"

const takes = (pattern) => {
  try {
    return RE2JS.compile(pattern) !== undefined
  } catch {
    return false
  }
}
for (const pattern of JSON.parse(readFileSync("patterns.json", "utf8"))) console.log(`re2js ${pattern} ${takes(pattern)}`)
J
go run . >seen
node check.mjs >>seen
cat >expected <<'X'
Go    ^(?<env>dev)-a$|^(?<env>prod)-a$ true
Go    ^\p{greek}+$ true
Go    ^\p{Greek}+$ true
Go    ^\p{Uppercase}+$ false
Go    ^\p{Lu}+$ true
re2js ^(?<env>dev)-a$|^(?<env>prod)-a$ false
re2js ^\p{greek}+$ false
re2js ^\p{Greek}+$ true
re2js ^\p{Uppercase}+$ true
re2js ^\p{Lu}+$ true
X
cat seen
diff -u expected seen
