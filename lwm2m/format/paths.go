package format

import (
	"fmt"

	"heddle.example/coap"
	"heddle.example/lwm2m"
)

// DecodePaths reads the list of paths in the payload of a Read-Composite or Observe-Composite: SenML records without
// values (6.3.8).
func DecodePaths(dst []lwm2m.Path, ct coap.ContentFormat, payload []byte, o Options) ([]lwm2m.Path, error) {
	switch ct {
	case coap.SenMLJSON, coap.SenMLCBOR, coap.ETCHJSON, coap.ETCHCBOR:
	default:
		return dst, fmt.Errorf("%w: %v for a list of paths", ErrUnsupported, ct)
	}
	d := decoder{max: o.MaxEntries, o: o}
	if d.max == 0 {
		d.max = DefaultMaxEntries
	}
	if err := d.decode(ct, string(payload)); err != nil {
		return dst, err
	}
	start := len(dst)
	for _, e := range d.dst {
		if !e.Value.IsNone() {
			return dst[:start], fmt.Errorf("%w: a value at %s in a list of paths", ErrMalformed, e.Path)
		}
		dst = append(dst, e.Path)
	}
	return dst, nil
}

// AppendPaths appends a list of paths.
func AppendPaths(dst []byte, ct coap.ContentFormat, paths []lwm2m.Path) ([]byte, error) {
	switch ct {
	case coap.SenMLJSON, coap.ETCHJSON:
		dst = append(dst, '[')
		for i, p := range paths {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(dst, `{"n":"`...)
			dst = append(p.Append(dst), `"}`...)
		}
		return append(dst, ']'), nil
	case coap.SenMLCBOR, coap.ETCHCBOR:
		dst = appendCBORHead(dst, cborArray, uint64(len(paths)))
		for _, p := range paths {
			dst = append(dst, cborMap|1, labelName)
			dst = appendCBORText(dst, p.String())
		}
		return dst, nil
	}
	return dst, fmt.Errorf("%w: %v for a list of paths", ErrUnsupported, ct)
}
