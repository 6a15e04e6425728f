#!/usr/bin/env bash
# Guess: a merge patch replaces a list as it stands in the patch (RFC 7386: only nulls of maps that are merged mean «remove»).
# Seen:  nulls in maps within a list are dropped on the way, nulls that are entries of a list stay.
# With:  gopkg.in/evanphx/json-patch.v4 v4.13.0, the merge patch of Kubernetes 1.35; npm json-merge-patch 1.0.2 beside it.
# Here:  a condition or a list of references with a null in it can't be written by a merge patch: compared with what was meant, it
#        would be a difference for ever, and a write with every look. So what stands there without it counts as written (merge-patch.ts).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

cat >go.mod <<'E'
module finding

go 1.26

require gopkg.in/evanphx/json-patch.v4 v4.13.0
E
cat >main.go <<'E'
package main

import (
	"bufio"
	"fmt"
	"os"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
)

func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		result, err := jsonpatch.MergePatch([]byte(`{"list":[1]}`), lines.Bytes())
		if err != nil {
			panic(err)
		}
		fmt.Println("Kubernetes:", string(result))
	}
}
E
cat >patches <<'E'
{"list":[{"a":null,"b":1}]}
{"list":[null,{"a":{"c":null}}]}
{"list":[[{"a":null}]]}
E
npm i --no-audit --no-fund --silent json-merge-patch@1.0.2
cat >main.mjs <<'E'
import { readFileSync } from "node:fs"
import mergePatch from "json-merge-patch"

for (const line of readFileSync("patches", "utf8").trim().split("\n"))
  console.log("the RFC:   ", JSON.stringify(mergePatch.apply({ list: [1] }, JSON.parse(line))))
E
{
  node main.mjs
  GOFLAGS=-mod=mod go run . <patches
} >seen
cat >expected <<'E'
the RFC:    {"list":[{"a":null,"b":1}]}
the RFC:    {"list":[null,{"a":{"c":null}}]}
the RFC:    {"list":[[{"a":null}]]}
Kubernetes: {"list":[{"b":1}]}
Kubernetes: {"list":[null,{"a":{}}]}
Kubernetes: {"list":[[{}]]}
E
cat seen
diff -u expected seen
