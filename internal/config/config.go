// Package config fills a command's flags from the environment and a TOML file, so that each setting has one definition:
// its flag. The command line wins over the environment, the environment over the file, the file over the default.
package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// Options say where Apply looks.
type Options struct {
	// File is the TOML file. Empty: DefaultFile, if there is one.
	File string
	// Section is the table of the file that belongs to this command, such as "server".
	Section string
	// Sections are all tables that the file may have; another one is an error (a misspelling would be silent).
	Sections []string
	// LookupEnv is os.LookupEnv but for tests.
	LookupEnv func(string) (string, bool)
}

// EnvName is the environment variable of a flag: HEDDLE_TLS_CERT for tls-cert.
func EnvName(flag string) string {
	return "HEDDLE_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// DefaultFile is where the file is looked for when none is named.
func DefaultFile() string {
	dir, err := os.UserConfigDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "heddle", "heddle.toml")
}

// Apply sets each flag that the command line left alone.
func Apply(flags *pflag.FlagSet, o Options) error {
	if o.LookupEnv == nil {
		o.LookupEnv = os.LookupEnv
	}
	name, named := o.File, true
	if name == "" {
		name, named = o.LookupEnv("HEDDLE_CONFIG")
	}
	if name == "" {
		name, named = DefaultFile(), false
	}
	var settings map[string]setting
	if name != "" {
		b, err := os.ReadFile(name)
		switch {
		case err == nil:
			if settings, err = parse(name, b, o); err != nil {
				return err
			}
		case named || !errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("config file: %w", err)
		}
	}
	for key, s := range settings {
		if f := flags.Lookup(key); f == nil || isMeta(key) {
			return fmt.Errorf("%s:%d: heddle %s has no setting %q; `heddle %s --help` lists them%s", name, s.line, o.Section, key, o.Section, suggest(key, flags))
		}
	}
	var errs []error
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Changed || isMeta(f.Name) {
			return
		}
		if v, ok := o.LookupEnv(EnvName(f.Name)); ok {
			if err := f.Value.Set(v); err != nil {
				errs = append(errs, fmt.Errorf("environment variable %s: %q is not a valid value: %w", EnvName(f.Name), v, err))
			}
			f.Changed = true
			return
		}
		if s, ok := settings[f.Name]; ok {
			if err := s.set(f); err != nil {
				errs = append(errs, fmt.Errorf("%s:%d: %s: %w", name, s.line, f.Name, err))
			}
			f.Changed = true
		}
	})
	return errors.Join(errs...)
}

// isMeta names the flags that cannot come from a file or the environment.
func isMeta(flag string) bool { return flag == "help" || flag == "config" }

func suggest(key string, flags *pflag.FlagSet) string {
	var best []string
	flags.VisitAll(func(f *pflag.Flag) {
		if strings.HasPrefix(f.Name, key) || strings.HasPrefix(key, f.Name) || strings.ReplaceAll(f.Name, "-", "") == strings.NewReplacer("_", "", "-", "").Replace(key) {
			best = append(best, f.Name)
		}
	})
	if len(best) == 0 {
		return ""
	}
	slices.Sort(best)
	return " (did you mean " + strings.Join(best, ", ") + "?)"
}
