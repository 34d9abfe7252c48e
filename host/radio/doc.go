// Package radio drives one Thread node on a real computer: over the simulated radio of OpenThread's example platform, in
// real time (UDP multicast on the loopback) or in virtual time (a simulator tells the time).
package radio
