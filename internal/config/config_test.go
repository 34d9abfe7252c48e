package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
)

type settings struct {
	coap []string
	data string
	open bool
	wait time.Duration
}

func flagsFor(s *settings) *pflag.FlagSet {
	f := pflag.NewFlagSet("server", pflag.ContinueOnError)
	f.StringArrayVar(&s.coap, "coap", []string{":5683"}, "")
	f.StringVar(&s.data, "data", "d", "")
	f.BoolVar(&s.open, "insecure-web", false, "")
	f.DurationVar(&s.wait, "wait", time.Second, "")
	f.String("config", "", "")
	return f
}

func TestApply(t *testing.T) {
	tests := []struct {
		name, file string
		args       []string
		env        map[string]string
		want       settings
		err        string
	}{
		{name: "defaults", want: settings{[]string{":5683"}, "d", false, time.Second}},
		{name: "file", file: "[server]\ncoap = [\"[::1]:1\", \"127.0.0.1:2\"]\ninsecure-web = true\nwait = \"3s\"\n",
			want: settings{[]string{"[::1]:1", "127.0.0.1:2"}, "d", true, 3 * time.Second}},
		{name: "environment over file", file: "[server]\ndata = \"file\"\n", env: map[string]string{"HEDDLE_DATA": "env"},
			want: settings{[]string{":5683"}, "env", false, time.Second}},
		{name: "flag over all", file: "[server]\ndata = \"file\"\n", env: map[string]string{"HEDDLE_DATA": "env"}, args: []string{"--data=flag"},
			want: settings{[]string{":5683"}, "flag", false, time.Second}},
		{name: "one address is a list too", file: "[server]\ncoap = \"[::1]:1\"\n",
			want: settings{[]string{"[::1]:1"}, "d", false, time.Second}},
		{name: "another command's table is left alone", file: "[client]\nname = \"x\"\n[server]\ndata = \"y\"\n",
			want: settings{[]string{":5683"}, "y", false, time.Second}},
		{name: "broken", file: "[server]\ndata = \n", err: "heddle.toml:2:"},
		{name: "unknown key", file: "[server]\n\ndate = 1\n", err: "heddle.toml:3: heddle server has no setting \"date\""},
		{name: "near key", file: "[server]\ninsecure_web = true\n", err: "did you mean insecure-web?"},
		{name: "unknown table", file: "[sever]\ndata = \"x\"\n", err: "heddle.toml:1: no table [sever]; there are [server], [client]"},
		{name: "no table", file: "data = \"x\"\n", err: "heddle.toml:1: data stands outside a table; put it under [server]"},
		{name: "wrong type", file: "[server]\nwait = \"soon\"\n", err: "heddle.toml:2: wait:"},
		{name: "list for one", file: "[server]\ndata = [\"a\"]\n", err: "heddle.toml:2: data: takes one value"},
		{name: "table for one", file: "[server]\ndata = {a = 1}\n", err: "heddle.toml:2: data:"},
		{name: "bad environment", env: map[string]string{"HEDDLE_WAIT": "soon"}, err: "environment variable HEDDLE_WAIT"},
		{name: "config from a file", file: "[server]\nconfig = \"x\"\n", err: "no setting \"config\""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			name := filepath.Join(t.TempDir(), "heddle.toml")
			if err := os.WriteFile(name, []byte(tt.file), 0o600); err != nil {
				t.Fatal(err)
			}
			var got settings
			f := flagsFor(&got)
			if err := f.Parse(tt.args); err != nil {
				t.Fatal(err)
			}
			err := Apply(f, Options{File: name, Section: "server", Sections: []string{"server", "client"},
				LookupEnv: func(k string) (string, bool) { v, ok := tt.env[k]; return v, ok }})
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("error %v, want one with %q", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if strings.Join(got.coap, " ") != strings.Join(tt.want.coap, " ") || got.data != tt.want.data || got.open != tt.want.open || got.wait != tt.want.wait {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestNamedFileMustExist(t *testing.T) {
	f := pflag.NewFlagSet("x", pflag.ContinueOnError)
	err := Apply(f, Options{File: filepath.Join(t.TempDir(), "none.toml"), Section: "server"})
	if err == nil || !strings.Contains(err.Error(), "none.toml") {
		t.Fatalf("error %v, want the file's name", err)
	}
}
