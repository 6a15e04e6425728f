#!/usr/bin/env bash
# Guess: an unquoted number as a key keeps its digits, and strict reading refuses two keys that become the same.
# Seen:  a float as a key is written as a 32-bit one: 3.14159265 is "3.1415927", 20261127.5 is "2.0261128e+07". Two keys that differ
#        as 64-bit numbers become one without a word, in strict reading too, and which value stays changes from one
#        reading to the next. Whole numbers keep every digit. As a value the same number keeps its 64 bits.
# With:  sigs.k8s.io/yaml v1.6.0 (kubectl, Helm, vCluster).
# Here:  label keys of selectors and names in `mappings.byName` are keys that people write without quotes.
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
	for _, text := range []string{
		"3.14159265: x", "x: 3.14159265", "20261127.5: x", "20261127: x", "1e6: x",
		"{1.00000001: x, 1.00000002: x}", "{1.0: x, 1.00: x}",
	} {
		json, err := yaml.YAMLToJSONStrict([]byte(text))
		fmt.Printf("%-32s %s%s\n", text, json, map[bool]string{true: "", false: "refused"}[err == nil])
	}
	seen := map[string]bool{}
	for range 1000 {
		json, _ := yaml.YAMLToJSONStrict([]byte("{1.00000001: first, 1.00000002: second}"))
		seen[string(json)] = true
	}
	fmt.Println("read 1000 times:", seen)
}
E
cat >expected <<'E'
3.14159265: x                    {"3.1415927":"x"}
x: 3.14159265                    {"x":3.14159265}
20261127.5: x                    {"2.0261128e+07":"x"}
20261127: x                      {"20261127":"x"}
1e6: x                           {"1e+06":"x"}
{1.00000001: x, 1.00000002: x}   {"1":"x"}
{1.0: x, 1.00: x}                refused
read 1000 times: map[{"1":"first"}:true {"1":"second"}:true]
E
GOFLAGS=-mod=mod go run . >seen
cat seen
diff -u expected seen
