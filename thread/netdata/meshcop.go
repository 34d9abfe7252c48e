package netdata

// Commissioning returns the commissioning data: MeshCoP TLVs.
func (d Data) Commissioning() ([]byte, bool) {
	t, ok := next(d, 0, kindCommissioning)
	if !ok {
		return nil, false
	}
	return t.value(d), true
}

// subTLV finds a plain MeshCoP TLV.
func subTLV(b []byte, kind uint8) ([]byte, bool) {
	for len(b) >= 2 && len(b) >= 2+int(b[1]) {
		if b[0] == kind {
			return b[2 : 2+int(b[1])], true
		}
		b = b[2+int(b[1]):]
	}
	return nil, false
}
