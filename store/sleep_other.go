//go:build !linux

package store

import "time"

func shortSleep(d time.Duration) { time.Sleep(d) }
