package netdata

// Commissioning returns the commissioning data: MeshCoP TLVs.
func (d Data) Commissioning() ([]byte, bool) {
	t, ok := Next(d, 0, KindCommissioning)
	if !ok {
		return nil, false
	}
	return t.Value(d), true
}

// FindMeshCoP finds a plain MeshCoP TLV.
func FindMeshCoP(b []byte, kind uint8) ([]byte, bool) {
	for len(b) >= 2 && len(b) >= 2+int(b[1]) {
		if b[0] == kind {
			return b[2 : 2+int(b[1])], true
		}
		b = b[2+int(b[1]):]
	}
	return nil, false
}
