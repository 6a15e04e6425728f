#!/usr/bin/env bash
# Guess: a JSON patch's `test` compares values, as RFC 6902 has it (strings by their characters, numbers by their value).
# Seen:  outside of maps it compares the JSON texts. The API server's own text of an object has \u003c for <, \u003e for > and \u0026 for &,
#        JavaScript's has the characters: a `test` of such a string always fails. 1.0 is not 1. Within a list or map the same holds.
# With:  gopkg.in/evanphx/json-patch.v4 v4.13.0 and k8s.io/apimachinery v0.35.4, as Kubernetes 1.35 has them.
# Here:  statuses are written by a JSON patch with a `test` before it: of the UID, which has no such characters. Of a name of a
#        label or a message it would be a conflict for ever.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

cat >go.mod <<'E'
module finding

go 1.26

require (
	gopkg.in/evanphx/json-patch.v4 v4.13.0
	k8s.io/apimachinery v0.35.4
)
E
cat >main.go <<'E'
package main

import (
	"fmt"
	"strings"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

func main() {
	object := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "example.com/v1", "kind": "Example",
		"spec": map[string]any{"query": "a<b", "word": "ab", "list": []any{"R&D"}, "count": int64(1)},
	}}
	stored, err := runtime.Encode(unstructured.UnstructuredJSONScheme, object)
	if err != nil {
		panic(err)
	}
	fmt.Println(strings.TrimSpace(string(stored)))
	for _, test := range []string{
		`"path":"/spec/word","value":"ab"`,
		`"path":"/spec/query","value":"a<b"`,
		`"path":"/spec/query","value":"a\u003cb"`,
		`"path":"/spec/query","value":"a\u003Cb"`,
		`"path":"/spec/list","value":["R&D"]`,
		`"path":"/spec/list","value":["R\u0026D"]`,
		`"path":"/spec/count","value":1`,
		`"path":"/spec/count","value":1.0`,
	} {
		patch, err := jsonpatch.DecodePatch([]byte(`[{"op":"test",` + test + `}]`))
		if err != nil {
			panic(err)
		}
		_, err = patch.Apply(stored)
		fmt.Println(test, "→", map[bool]string{true: "equal", false: "not equal"}[err == nil])
	}
}
E
cat >expected <<'E'
{"apiVersion":"example.com/v1","kind":"Example","spec":{"count":1,"list":["R\u0026D"],"query":"a\u003cb","word":"ab"}}
"path":"/spec/word","value":"ab" → equal
"path":"/spec/query","value":"a<b" → not equal
"path":"/spec/query","value":"a\u003cb" → equal
"path":"/spec/query","value":"a\u003Cb" → not equal
"path":"/spec/list","value":["R&D"] → not equal
"path":"/spec/list","value":["R\u0026D"] → equal
"path":"/spec/count","value":1 → equal
"path":"/spec/count","value":1.0 → not equal
E
GOFLAGS=-mod=mod go run . >seen
cat seen
diff -u expected seen
