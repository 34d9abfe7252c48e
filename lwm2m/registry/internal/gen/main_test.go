package main

import (
	"strings"
	"testing"
)

func TestGenerate(t *testing.T) {
	const in = "# a comment\n" +
		"O\t3303\t1.1\tTemperature\turn:oma:lwm2m:ext:3303:1.1\t1.0\tMultiple\tOptional\n" +
		"R\t5700\tSensor  Value\tR\tSingle\tMandatory\tFloat\t\t\n" +
		"R\t5605\tReset\tE\tSingle\tOptional\t\t\t\n" +
		"O\t3\t1.0\tDevice\turn:oma:lwm2m:other:3\t1.0\tSingle\tMandatory\n" +
		"R\t7\tPower\tR\tMultiple\tOptional\tInteger\t0..9\tmV\n"
	const want = "O\t3\t1.0\t1.0\t!\tDevice\turn:oma:lwm2m:other:3\n" +
		"7\tR\t*\t2\tPower\t0..9\tmV\n" +
		"O\t3303\t1.1\t1.0\t*\tTemperature\n" +
		"5605\tE\t\t0\tReset\n" +
		"5700\tR\t!\t4\tSensor Value\n"
	var out strings.Builder
	if err := generate(&out, strings.NewReader(in)); err != nil || out.String() != want {
		t.Errorf("%v\n got %q\nwant %q", err, out.String(), want)
	}
	for _, bad := range []string{"X\n", "R\t1\tx\tR\n", "O\tx\t1.0\n", "O\t1\tone\n", "O\t1\t1.0\tx\tu\tzero\n", in + in,
		in + "R\t1\tx\tQ\t\t\tFloat\n", in + "R\t1\tx\tR\t\t\tDouble\n", in + "R\tx\tx\tR\t\t\tFloat\n"} {
		if err := generate(&out, strings.NewReader(bad)); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
