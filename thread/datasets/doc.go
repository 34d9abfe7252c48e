// Package datasets keeps the operational datasets of a Thread node: the active one that it works with, and the pending one
// that takes its place when its delay is over.
//
// Manager is the machine: it restores and saves both datasets, spreads them (management requests to the leader here, MLE
// messages by package mle, which asks it for them), and at the leader it is the authority that accepts changes (/c/as,
// /c/ps) and admits one commissioner. It also serves what a commissioner asks of every node: announce, energy scan, PAN id
// query. The wire format is package meshcop's.
//
// Facts come from OpenThread's src/core/meshcop and src/core/thread; clause numbers are those of Thread 1.1.1 chapter 8.
package datasets
