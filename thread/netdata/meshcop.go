package netdata

// Commissioning returns the commissioning data: MeshCoP TLVs.
func (d Data) Commissioning() ([]byte, bool) {
	t, ok := Next(d, 0, KindCommissioning)
	if !ok {
		return nil, false
	}
	return t.Value(d), true
}
