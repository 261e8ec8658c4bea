package mapping

import "github.com/payrec/payrec/internal/yamltree"

// What is wrong with a mapping file, and where; Problems are an error. Files
// have the names that they were given by, embedded ones "preset:NAME".
type (
	Problem  = yamltree.Problem
	Problems = yamltree.Problems
)

// A node is a value of a mapping file with its place.
type node = yamltree.Node

// noun is what messages call such a file.
const noun = "mapping"

func newCollector() yamltree.Collector {
	return yamltree.Collector{Noun: noun, LongMap: "put a long table into a file and read it by lookups"}
}

// compiler compiles one mapping; its methods stand beside what they compile.
type compiler struct {
	yamltree.Collector
	options Options
	file    string // the mapping's name in messages
	lint    bool

	m      *Mapping
	byName map[string]*column // columns by name
	money  []moneyColumnIn    // whose currency is still to be found
	params map[string]string
	tables map[string]map[string]string
	names  names
	emits  int // how many there are so far
}

// someTexts reads texts of which there must be one.
func (c *compiler) someTexts(n *node) []string {
	list := c.Texts(n)
	if n != nil && n.Kind == yamltree.List && len(n.Items) == 0 {
		c.At(n, "write a text or a list of them", "the list is empty")
	}
	return list
}

// notEmpty reads texts of which none may be empty, because one that is
// stands everywhere or nowhere.
func (c *compiler) notEmpty(n *node) []string {
	list := c.Texts(n)
	for i, s := range list {
		if s != "" {
			continue
		}
		at := n
		if n.Kind == yamltree.List && i < len(n.Items) {
			at = n.Items[i]
		}
		c.At(at, "write a text, or remove it", "the text is empty")
	}
	return list
}
