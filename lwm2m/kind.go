package lwm2m

// Kind is the type of a value (appendix C).
type Kind uint8

// The kinds of value. None is the kind of a resource that has no value: one that is only executed.
const (
	None Kind = iota
	String
	Integer
	Unsigned
	Float
	Boolean
	Opaque
	Time
	Objlink
	Corelnk
)

var kindNames = [...]string{"", "String", "Integer", "Unsigned Integer", "Float", "Boolean", "Opaque", "Time", "Objlnk", "Corelnk"}

// String returns the name that object definitions use, and "None".
func (k Kind) String() string {
	if k == None || int(k) >= len(kindNames) {
		return "None"
	}
	return kindNames[k]
}

// ParseKind reads a type name of an object definition; the empty name is None.
func ParseKind(name string) (Kind, bool) {
	for k, n := range kindNames {
		if n == name {
			return Kind(k), true
		}
	}
	switch name {
	case "none", "None":
		return None, true
	case "Unsigned":
		return Unsigned, true
	case "Objlink", "ObjLink", "ObjLnk":
		return Objlink, true
	case "Corelink", "CoreLink", "CoreLnk", "CorLnk":
		return Corelnk, true
	}
	return None, false
}

// Numeric reports whether thresholds (gt, lt, st) make sense for the kind (7.3.2: Integer, Unsigned Integer, Float; Time
// is an integer).
func (k Kind) Numeric() bool {
	return k == Integer || k == Unsigned || k == Float || k == Time
}

// OperationSet says which operations a resource allows.
type OperationSet uint8

// The operations of a resource.
const (
	Read OperationSet = 1 << iota
	Write
	Execute
)

// ParseOperations reads "R", "W", "RW", "E" or nothing.
func ParseOperations(s string) (OperationSet, bool) {
	var set OperationSet
	for _, c := range []byte(s) {
		switch c {
		case 'R':
			set |= Read
		case 'W':
			set |= Write
		case 'E':
			set |= Execute
		default:
			return 0, false
		}
	}
	return set, true
}

// Has reports whether all operations of op are allowed.
func (s OperationSet) Has(op OperationSet) bool { return s&op == op }

// String returns "RW", "R", "E" and so on.
func (s OperationSet) String() string {
	var b []byte
	for i, c := range []byte("RWE") {
		if s&(1<<i) != 0 {
			b = append(b, c)
		}
	}
	return string(b)
}
