//go:build !unix

package serve

func syscallUmask(int) int { return 0 }
