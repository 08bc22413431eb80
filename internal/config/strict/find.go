package strict

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// At gives the value node at a dotted path with list indices, such as
// deliveries[2].after[0], or the nearest one above it that is there.
func At(n *yaml.Node, path string) *yaml.Node {
	value, _ := walk(n, path)
	return value
}

// KeyAt gives the key node at a path, for complaints about the whole entry; where
// the path does not end in a key it is the value.
func KeyAt(n *yaml.Node, path string) *yaml.Node {
	value, key := walk(n, path)
	if key != nil {
		return key
	}
	return value
}

func walk(n *yaml.Node, path string) (value, key *yaml.Node) {
	for path != "" {
		var step string
		if rest, ok := strings.CutPrefix(path, "["); ok {
			step, path, _ = strings.Cut(rest, "]")
			i, err := strconv.Atoi(step)
			if err != nil || n.Kind != yaml.SequenceNode || i < 0 || i >= len(n.Content) {
				return n, key
			}
			n, key = n.Content[i], nil
			path = strings.TrimPrefix(path, ".")
			continue
		}
		end := strings.IndexAny(path, ".[")
		if end < 0 {
			end = len(path)
		}
		step, path = path[:end], strings.TrimPrefix(path[end:], ".")
		k, v := entry(n, step)
		if k == nil {
			return n, key
		}
		n, key = v, k
	}
	return n, key
}

func entry(n *yaml.Node, word string) (key, value *yaml.Node) {
	if n.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == word {
				return n.Content[i], n.Content[i+1]
			}
		}
	}
	return nil, nil
}
