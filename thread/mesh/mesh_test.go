package mesh

import "testing"

func TestPriorityNames(t *testing.T) {
	if Low.String() != "low" || Net.String() != "net" {
		t.Error("names")
	}
}
