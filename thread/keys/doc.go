// Package keys is a Thread node's link keys: what is derived from the network key for each key sequence, when the sequence
// moves on, and the frame counters that belong to it, reserved on disk before they are used.
package keys
