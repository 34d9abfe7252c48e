// Package thread is where Heddle's Thread nodes meet OpenThread's: both as processes that a test types at, on one simulated
// radio. Its tests need the peers that `make test` builds (tag peers).
//
// Most scenarios run in virtual time: the test plays the radio and the clock for all nodes (openthread-node.md section 4),
// so that a slow computer changes nothing but the duration, and ten minutes of a network take a second.
package thread
