#!/usr/bin/env bash
# Guess: what npm's yaml writes, it reads back; a text that is hard to write as a block gets an indentation indicator or quotes.
# Seen:  a text of blank lines only, with spaces in one of them, becomes a block without an indicator. A reader takes the spaces for
#        indentation: they are gone, for npm's yaml itself and for Go. With a letter after the spaces the indicator is there.
# With:  npm yaml 2.9.1, sigs.k8s.io/yaml v1.6.0.
# Here:  a Secret's `stringData` or a template in a manifest that a JavaScript tool wrote is not the value that was given.
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
	"io"
	"os"

	"sigs.k8s.io/yaml"
)

func main() {
	text, _ := io.ReadAll(os.Stdin)
	var values map[string]string
	if err := yaml.UnmarshalStrict(text, &values); err != nil {
		panic(err)
	}
	for _, key := range []string{"blank", "second", "letter"} {
		fmt.Printf("Go reads  %s: %q\n", key, values[key])
	}
}
E
npm i --no-audit --no-fund --silent yaml@2.9.1
cat >write.mjs <<'E'
import { parse, stringify } from "yaml"

const values = { blank: "   \n", second: "\n  \n", letter: "   a\n" }
const text = stringify(values)
process.stdout.write(text)
for (const key of Object.keys(values)) {
  process.stderr.write(`given     ${key}: ${JSON.stringify(values[key])}\n`)
  process.stderr.write(`npm reads ${key}: ${JSON.stringify(parse(text)[key])}\n`)
}
E
cat >expected <<'E'
given     blank: "   \n"
npm reads blank: "\n"
given     second: "\n  \n"
npm reads second: "\n\n"
given     letter: "   a\n"
npm reads letter: "   a\n"
Go reads  blank: "\n"
Go reads  second: "\n\n"
Go reads  letter: "   a\n"
E
node write.mjs >written.yaml 2>seen
GOFLAGS=-mod=mod go run . <written.yaml >>seen
cat seen
diff -u expected seen
