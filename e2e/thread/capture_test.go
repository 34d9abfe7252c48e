//go:build peers

package thread

// check shows all frames of the world to tshark.
func (v *virtual) check() {}
