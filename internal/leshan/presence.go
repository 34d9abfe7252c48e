package leshan

import "heddle.example/lwm2m/server"

// presenceKind is how Leshan calls it that a device in queue mode has woken up or fallen asleep.
func presenceKind(e *server.Presence) string {
	if e.Awake {
		return "AWAKE"
	}
	return "SLEEPING"
}
