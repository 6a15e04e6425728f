// Reads settings as vCluster reads them at its start, and YAML as its YAML library does.
//
// Standard input: a JSON list of texts. Standard output: a JSON list of the same length.
package main

import (
	"encoding/json"
	"log"
	"os"

	"github.com/loft-sh/vcluster/config"
	"sigs.k8s.io/yaml"
)

type reading struct {
	// The text as JSON, whatever it says.
	Value      json.RawMessage `json:"value,omitempty"`
	ValueError string          `json:"valueError,omitempty"`
	// The text as vCluster's settings.
	Config      *config.Config `json:"config,omitempty"`
	ConfigError string         `json:"configError,omitempty"`
}

func read(text []byte) (result reading) {
	value, err := yaml.YAMLToJSON(text)
	if err != nil {
		result.ValueError = err.Error()
	}
	result.Value = value
	parsed := &config.Config{}
	if err := yaml.UnmarshalStrict(text, parsed); err != nil {
		result.ConfigError = err.Error()
	} else {
		result.Config = parsed
	}
	return result
}

func main() {
	var texts []string
	if err := json.NewDecoder(os.Stdin).Decode(&texts); err != nil {
		log.Fatal(err)
	}
	readings := make([]reading, len(texts))
	for i, text := range texts {
		readings[i] = read([]byte(text))
	}
	if err := json.NewEncoder(os.Stdout).Encode(readings); err != nil {
		log.Fatal(err)
	}
}
