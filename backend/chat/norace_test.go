//go:build !race

package chat

// raced says that the race detector watches.
const raced = false
