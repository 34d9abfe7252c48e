package device

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"heddle.example/dtls"
	"heddle.example/lwm2m/client"
)

// Factory is what a device knows from its maker: factory bootstrap (LwM2M Core 1.1 section 6.1.2.1).
type Factory struct {
	Servers []client.Account
	Access  []client.AccessControl
}

// maxFactory bounds the file: 16 accounts and some hundred rules need far less.
const maxFactory = 1 << 20

// factoryFile is the file as it is written. Times are in seconds.
type factoryFile struct {
	Bootstrap *struct {
		URI            string `toml:"uri" json:"uri"`
		Identity       string `toml:"identity" json:"identity"`
		Key            string `toml:"key" json:"key"`
		Instance       uint16 `toml:"security_instance" json:"security_instance"`
		HoldOff        uint32 `toml:"hold_off" json:"hold_off"`
		AccountTimeout uint32 `toml:"account_timeout" json:"account_timeout"`
	} `toml:"bootstrap" json:"bootstrap"`
	Server []factoryServer `toml:"server" json:"server"`
	Access []struct {
		Object   uint16            `toml:"object" json:"object"`
		Instance uint16            `toml:"instance" json:"instance"`
		Owner    uint16            `toml:"owner" json:"owner"`
		Rights   map[string]string `toml:"rights" json:"rights"`
	} `toml:"access" json:"access"`
}

type factoryServer struct {
	ID               uint16  `toml:"id" json:"id"`
	URI              string  `toml:"uri" json:"uri"`
	Identity         string  `toml:"identity" json:"identity"`
	Key              string  `toml:"key" json:"key"`
	PrivateKey       string  `toml:"private_key" json:"private_key"` // files, beside this one
	Certificate      string  `toml:"certificate" json:"certificate"`
	ServerCert       string  `toml:"server_cert" json:"server_cert"`
	CertUsage        *uint8  `toml:"cert_usage" json:"cert_usage"`
	SNI              string  `toml:"sni" json:"sni"`
	SecurityInstance uint16  `toml:"security_instance" json:"security_instance"`
	ServerInstance   uint16  `toml:"server_instance" json:"server_instance"`
	Lifetime         *uint32 `toml:"lifetime" json:"lifetime"` // 0: without end
	MinPeriod        uint32  `toml:"min_period" json:"min_period"`
	MaxPeriod        uint32  `toml:"max_period" json:"max_period"`
	DisableTimeout   uint32  `toml:"disable_timeout" json:"disable_timeout"`
	Storing          bool    `toml:"storing" json:"storing"`
	Priority         uint32  `toml:"priority" json:"priority"`
	InitialDelay     uint32  `toml:"initial_delay" json:"initial_delay"`
	FailureBlock     bool    `toml:"failure_block" json:"failure_block"`
	BootstrapOnFail  *bool   `toml:"bootstrap_on_failure" json:"bootstrap_on_failure"`
	RetryCount       *uint32 `toml:"retry_count" json:"retry_count"`
	RetryTimer       *uint32 `toml:"retry_timer" json:"retry_timer"`
	SequenceDelay    *uint32 `toml:"sequence_delay" json:"sequence_delay"`
	SequenceCount    *uint32 `toml:"sequence_count" json:"sequence_count"`
	MuteSend         *bool   `toml:"mute_send" json:"mute_send"`
}

// ReadFactory reads a device's factory bootstrap: JSON where the file's name ends in .json, else TOML. No error shows
// what stands in the file, since that may be a key.
func ReadFactory(path string) (*Factory, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFactory+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", path, err)
	case len(b) > maxFactory:
		return nil, fmt.Errorf("%s is larger than 1 MiB", path)
	}
	var file factoryFile
	if strings.EqualFold(filepath.Ext(path), ".json") {
		err = decodeJSON(b, &file)
	} else {
		err = decodeTOML(b, &file)
	}
	if err == nil {
		var out *Factory
		if out, err = file.factory(filepath.Dir(path)); err == nil {
			return out, nil
		}
	}
	return nil, fmt.Errorf("%s: %w", path, err)
}

func decodeJSON(b []byte, file *factoryFile) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	err := d.Decode(file)
	if err == nil && d.More() {
		return errors.New("there is more than one JSON value")
	}
	return err
}

func decodeTOML(b []byte, file *factoryFile) error {
	d := toml.NewDecoder(bytes.NewReader(b)).DisallowUnknownFields()
	err := d.Decode(file)
	var strict *toml.StrictMissingError
	var decode *toml.DecodeError
	switch {
	case errors.As(err, &strict) && len(strict.Errors) > 0:
		row, _ := strict.Errors[0].Position()
		return fmt.Errorf("line %d: %s is not known here", row, strings.Join(strict.Errors[0].Key(), "."))
	case errors.As(err, &decode):
		row, column := decode.Position()
		return fmt.Errorf("line %d, column %d: %w", row, column, err)
	}
	return err
}

// factory makes accounts and rules of a file in a directory.
func (f *factoryFile) factory(dir string) (*Factory, error) {
	out := &Factory{}
	if b := f.Bootstrap; b != nil {
		key, err := secret("bootstrap", b.Key)
		if err != nil {
			return nil, err
		}
		out.Servers = append(out.Servers, client.Account{
			Bootstrap: true, URI: b.URI, Identity: b.Identity, Key: key, SecurityInstance: b.Instance,
			HoldOff: wide(b.HoldOff), AccountTimeout: wide(b.AccountTimeout),
		})
	}
	for i := range f.Server {
		a, err := f.Server[i].account()
		if err == nil {
			err = f.Server[i].prove(&a, dir)
		}
		if err != nil {
			return nil, err
		}
		out.Servers = append(out.Servers, a)
	}
	if len(out.Servers) == 0 {
		return nil, errors.New("neither a bootstrap server nor a server: give [bootstrap] or [[server]]")
	}
	for i, a := range f.Access {
		rule := client.AccessControl{ID: uint16(i), Object: a.Object, Instance: a.Instance, Owner: a.Owner}
		for server, letters := range a.Rights {
			id, err := strconv.ParseUint(server, 10, 16)
			if err != nil {
				return nil, fmt.Errorf("access %d: %q is no Short Server ID", i+1, server)
			}
			rights, err := client.ParseRights(letters)
			if err != nil {
				return nil, fmt.Errorf("access %d: %w", i+1, err)
			}
			rule.Rights = append(rule.Rights, client.ServerRights{Server: uint16(id), Rights: rights})
		}
		slices.SortFunc(rule.Rights, func(a, b client.ServerRights) int { return cmp.Compare(a.Server, b.Server) })
		out.Access = append(out.Access, rule)
	}
	return out, nil
}

func (s *factoryServer) account() (client.Account, error) {
	key, err := secret(fmt.Sprintf("server %d", s.ID), s.Key)
	a := client.Account{
		ShortID: s.ID, URI: s.URI, Identity: s.Identity, Key: key, SNI: s.SNI,
		SecurityInstance: s.SecurityInstance, ServerInstance: s.ServerInstance,
		MinPeriod: wide(s.MinPeriod), MaxPeriod: wide(s.MaxPeriod), DisableTimeout: wide(s.DisableTimeout), Storing: s.Storing,
		Priority: s.Priority, InitialDelay: wide(s.InitialDelay), FailureBlock: s.FailureBlock,
		Unmuted:              s.MuteSend != nil && !*s.MuteSend,
		NoBootstrapOnFailure: s.BootstrapOnFail != nil && !*s.BootstrapOnFail,
	}
	if s.Lifetime != nil {
		if a.Lifetime = wide(*s.Lifetime); a.Lifetime == 0 {
			a.Lifetime = -1
		}
	}
	if s.RetryCount != nil || s.RetryTimer != nil || s.SequenceDelay != nil || s.SequenceCount != nil {
		r := client.DefaultRetry
		if s.RetryCount != nil {
			r.Count = *s.RetryCount
		}
		if s.RetryTimer != nil {
			r.Timer = wide(*s.RetryTimer)
		}
		if s.SequenceDelay != nil {
			r.SequenceDelay = wide(*s.SequenceDelay)
		}
		if s.SequenceCount != nil {
			r.SequenceCount = *s.SequenceCount
		}
		a.Retry = &r
	}
	return a, err
}

// prove gives the account what stands in the files that it names.
func (s *factoryServer) prove(a *client.Account, dir string) error {
	in := func(name string) string {
		if name == "" || filepath.IsAbs(name) {
			return name
		}
		return filepath.Join(dir, name)
	}
	p := Proof{Key: in(s.PrivateKey), Certificate: in(s.Certificate), Server: in(s.ServerCert), Usage: uint8(dtls.DomainIssued)}
	if s.CertUsage != nil {
		p.Usage = *s.CertUsage
	}
	switch {
	case !p.Given():
		return nil
	case s.Identity != "" || s.Key != "":
		return fmt.Errorf("server %d: a pre-shared key (identity, key) or a private key (private_key), not both", s.ID)
	}
	if err := p.Prove(a); err != nil {
		return fmt.Errorf("server %d: %w", s.ID, err)
	}
	return nil
}

// secret reads a key, and does not show it where it is none.
func secret(whose, text string) ([]byte, error) {
	key, err := hex.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("%s: the key is not hexadecimal", whose)
	}
	return key, nil
}

func wide(seconds uint32) time.Duration { return time.Duration(seconds) * time.Second }
