package access

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// TokenPrefix begins every API token, so that scanners for leaked secrets can find one.
const TokenPrefix = "heddle_"

// tokensMost bounds the table.
const tokensMost = 10_000

// Token is an API token. Its secret is shown once and kept only as a digest.
type Token struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Scope   Role      `json:"scope"`
	Digest  string    `json:"digest"`
	By      string    `json:"by"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires,omitzero"`
	Used    time.Time `json:"used,omitzero"`
}

// apiToken is a token at work.
type apiToken struct {
	Token
	used atomic.Int64 // Unix seconds; newer than Token.Used
}

func (m *Manager) loadTokens() error {
	return load(m.store, tokenTable, func(_ []byte, stored *Token) error {
		t := &apiToken{Token: *stored}
		b, err := hex.DecodeString(t.Digest)
		if err != nil || len(b) != sha256.Size {
			return fmt.Errorf("token %s has no valid digest", t.ID)
		}
		if !t.Used.IsZero() {
			t.used.Store(t.Used.Unix())
		}
		m.tokens[digest(b)], m.byID[t.ID] = t, t
		return nil
	})
}

// view is a copy with the newest time of use.
func (t *apiToken) view() Token {
	v := t.Token
	v.Digest = ""
	if u := t.used.Load(); u != 0 {
		v.Used = time.Unix(u, 0).UTC()
	}
	return v
}

// CreateToken makes a token and returns its secret. A zero expires means never.
func (m *Manager) CreateToken(name string, scope Role, expires time.Time, by string) (string, Token, error) {
	name = strings.TrimSpace(name)
	if name == "" || len(name) > 100 {
		return "", Token{}, fmt.Errorf("%w: a token needs a name of at most 100 bytes that says what it is for", ErrInvalid)
	}
	if scope == None {
		return "", Token{}, fmt.Errorf("%w: a token needs a scope: read, operate or admin", ErrInvalid)
	}
	if !expires.IsZero() && !expires.After(m.now()) {
		return "", Token{}, fmt.Errorf("%w: the token would have expired already", ErrInvalid)
	}
	secret, key, err := m.secret(TokenPrefix)
	if err != nil {
		return "", Token{}, err
	}
	t := &apiToken{Token: Token{ID: hex.EncodeToString(key[:6]), Name: name, Scope: scope, Digest: hex.EncodeToString(key[:]), By: by, Created: m.now().UTC(), Expires: expires.UTC()}}
	if expires.IsZero() {
		t.Expires = time.Time{}
	}
	m.mu.Lock()
	if len(m.tokens) >= tokensMost {
		m.mu.Unlock()
		return "", Token{}, fmt.Errorf("%w: there are %d tokens; revoke some", ErrInvalid, tokensMost)
	}
	m.tokens[key], m.byID[t.ID] = t, t
	m.mu.Unlock()
	if err := m.commit(record(tokenTable, []byte(t.ID), &t.Token)); err != nil {
		m.mu.Lock()
		delete(m.tokens, key)
		delete(m.byID, t.ID)
		m.mu.Unlock()
		return "", Token{}, err
	}
	return secret, t.view(), nil
}

// Token returns who a token's secret belongs to.
func (m *Manager) Token(secret string) (Principal, bool) {
	key := digest(sha256.Sum256([]byte(secret)))
	m.mu.RLock()
	t := m.tokens[key]
	m.mu.RUnlock()
	now := m.now()
	if t == nil || !t.Expires.IsZero() && !now.Before(t.Expires) {
		return Principal{}, false
	}
	// The time of use is stored at most once a minute, and nothing waits for it.
	if last := t.used.Load(); now.Unix()-last >= 60 && t.used.CompareAndSwap(last, now.Unix()) {
		v := t.view()
		v.Digest = t.Digest
		m.store.Append(oneRecord(record(tokenTable, []byte(t.ID), &v)), func(error) {})
	}
	return Principal{"token " + t.Name, t.Scope, "token"}, true
}

// Tokens returns all tokens, without their digests, oldest first.
func (m *Manager) Tokens() []Token {
	m.mu.RLock()
	defer m.mu.RUnlock()
	list := make([]Token, 0, len(m.byID))
	for _, t := range m.byID {
		list = append(list, t.view())
	}
	slices.SortFunc(list, func(a, b Token) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID))
	})
	return list
}

// RevokeToken removes a token.
func (m *Manager) RevokeToken(id string) (Token, error) {
	m.mu.Lock()
	t := m.byID[id]
	if t == nil {
		m.mu.Unlock()
		return Token{}, fmt.Errorf("%w: no token %s", ErrNotFound, id)
	}
	b, _ := hex.DecodeString(t.Digest)
	delete(m.byID, id)
	delete(m.tokens, digest(b))
	m.mu.Unlock()
	return t.view(), m.commit(record(tokenTable, []byte(id), nil))
}
