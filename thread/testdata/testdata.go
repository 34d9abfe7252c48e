// Package testdata embeds the recordings of real nodes for tests.
package testdata

import "embed"

// Captures is the folder of recordings.
//
//go:embed captures
var Captures embed.FS
