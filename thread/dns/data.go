package dns

// nameAt says where a name stands in the data of a record that may be compressed (RFC 6762 section 18.14), or -1.
func nameAt(kind uint16) int {
	switch kind {
	case TypeNS, TypeCNAME, TypePTR, TypeDNAME, TypeNSEC:
		return 0
	case TypeSRV:
		return 6
	}
	return -1
}

// WholeData returns the data of a record with its name written whole, as it stands there, or ErrMessage. It is new where it
// has a name, and borrowed else.
func (m *Message) WholeData(r *Record) ([]byte, error) {
	at := nameAt(r.Type)
	if at < 0 {
		return r.Data, nil
	}
	if len(r.Data) <= at {
		return nil, ErrMessage
	}
	_, raw, end, err := ReadName(m.Bytes, r.At+at)
	if rest := end - r.At; err == nil && rest <= len(r.Data) && (rest == len(r.Data) || r.Type == TypeNSEC) {
		whole := append(append([]byte(nil), r.Data[:at]...), raw...)
		return append(whole, r.Data[rest:]...), nil
	}
	return nil, ErrMessage
}

// LowerData returns whole data with its name in lower case, for comparisons. It is new where that changes it.
func LowerData(kind uint16, data []byte) []byte {
	at := nameAt(kind)
	if at < 0 || len(data) <= at {
		return data
	}
	b := append([]byte(nil), data...)
	for i := at; i < len(b) && b[i] != 0; i += 1 + int(b[i]) { // behind the name of an NSEC record is more
		for j := i + 1; j <= i+int(b[i]) && j < len(b); j++ {
			if c := b[j]; c >= 'A' && c <= 'Z' {
				b[j] = c + 'a' - 'A'
			}
		}
	}
	return b
}

// Data writes whole data as that of the record that was begun, its name compressed if that is of use.
func (w *Writer) Data(kind uint16, data []byte) {
	at := nameAt(kind)
	if at < 0 || len(data) <= at || kind == TypeNSEC {
		w.Append(data...)
		return
	}
	w.Append(data[:at]...)
	w.Name(Name(data[at:]))
}
