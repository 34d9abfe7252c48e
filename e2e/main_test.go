//go:build peers

package e2e

import (
	"os"
	"testing"

	"heddle.example/e2e/peer"
)

func TestMain(m *testing.M) {
	code := m.Run()
	peer.CleanUp()
	os.Exit(code)
}
