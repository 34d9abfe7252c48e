package bootstrap

import (
	"fmt"
	"strings"

	"heddle.example/lwm2m/bootstrap"
	"heddle.example/machine"
)

// Key returns the key of an identity by which devices reach this server.
func (t *Configurations) Key(identity []byte) ([]byte, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	c := t.byIdentity[string(identity)]
	if c == nil || c.Disabled {
		return nil, false
	}
	return c.Reach.Key, true
}

// Match returns the configuration for an endpoint: its own, else that of the longest group, else the default.
func (t *Configurations) Match(endpoint string) *Configuration {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if c := t.byEndpoint[endpoint]; c != nil && !c.Group() && !c.Disabled {
		return c
	}
	for _, c := range t.groups {
		if !c.Disabled && c.Matches(endpoint) {
			return c
		}
	}
	return nil
}

// Resolve says who asks and what it is given: its name and configuration, or why it gets nothing.
func (t *Configurations) Resolve(endpoint string, who *machine.Identity) (string, *Configuration, *bootstrap.Refusal) {
	const unknown = "unknown endpoint"
	if who == nil {
		c := t.Match(endpoint)
		switch {
		case strings.HasSuffix(endpoint, "*"):
			return "", nil, &bootstrap.Refusal{Why: unknown, Secret: "a name that ends in * is a group's"}
		case c == nil:
			return "", nil, &bootstrap.Refusal{Why: unknown, Secret: "no configuration is for this endpoint: add one, or switch the default on"}
		case c.Reach.Mode != machine.NoSecurity:
			return "", nil, &bootstrap.Refusal{Why: unknown, Secret: "this endpoint must use its identity and key, on the secure port"}
		}
		return endpoint, c, nil
	}
	t.mu.RLock()
	own := t.byIdentity[who.Name]
	t.mu.RUnlock()
	switch {
	case own == nil || own.Disabled || own.Reach.Mode != who.Kind:
		return "", nil, &bootstrap.Refusal{Why: unknown, Secret: "the identity belongs to no configuration"}
	case endpoint == "" && own.Group():
		return "", nil, &bootstrap.Refusal{Why: "ep is missing"}
	case endpoint == "":
		return own.Endpoint, own, nil
	}
	if strings.HasSuffix(endpoint, "*") || t.Match(endpoint) != own {
		return "", nil, &bootstrap.Refusal{Why: unknown, Secret: fmt.Sprintf("the identity belongs to the configuration of %q, not to this endpoint", own.Endpoint)}
	}
	return endpoint, own, nil
}
