package serve

import (
	"io"
	"time"

	"heddle.example/internal/backup"
)

// backupTo returns what writes a backup of a store and its directory.
func backupTo(s backup.Snapshotter, dir, version string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := backup.Write(w, s, dir, backup.Meta{Created: time.Now().UTC().Truncate(time.Second), Version: version})
		return err
	}
}
