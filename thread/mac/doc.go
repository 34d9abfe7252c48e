// Package mac is the machine between a node's mesh layer and its radio: it sends one frame at a time, backs off, waits for
// acks and tries again; secures frames and opens them; sorts out duplicates, strangers and what the filters refuse; polls a
// parent and answers the polls of children; scans; and counts. It behaves as OpenThread's Mac, SubMac, DataPollSender,
// DataPollHandler and CslTxScheduler do (src/core/mac).
//
// It is an inner machine: thread.Node calls it and it calls its Env, directly. An Env call comes when the MAC's own state
// is whole, and may call the MAC again.
package mac
