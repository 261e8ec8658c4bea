// Package yamltree reads the YAML files that people write for payrec: as a tree
// of text with places, with everything that is wrong with a file at once.
//
// Terms:
//
//   - A [Node] is one value with its place. Nothing is converted by YAML's own
//     rules (yes, 012, 1e3): whoever reads a node decides what it means.
//   - A [Problem] is one thing that is wrong, and where; a [Collector] gathers
//     them, and has the readers that complain: of unknown keys with the one
//     that was probably meant, of lists where a text is wanted.
//
// Hostile files cost little: the size, the number of values after aliases are
// followed, and the depth are bounded before the YAML parser, which recurses
// without a bound of its own, sees them.
package yamltree
