// Package borderrouter is the program `heddle border-router`: package border around a node of package node, with a way out of
// this computer, DNS servers upstream, and a doctor that tests each leg.
package borderrouter
