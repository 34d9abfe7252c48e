package client

import (
	"errors"
	"fmt"
	"slices"
)

// maxAccounts bounds the accounts that a bootstrap server can give: instances of object 0, and of object 1.
const maxAccounts = 16

// addAccounts takes in the accounts of the configuration.
func (c *Client) addAccounts(accounts []Account) error {
	if len(accounts) > maxAccounts {
		return fmt.Errorf("lwm2m client: %d accounts are too many: %d at most", len(accounts), maxAccounts)
	}
	var security, server []uint16
	for _, a := range accounts {
		acc, err := newAccount(a)
		if err != nil {
			return err
		}
		for _, b := range c.accounts {
			switch {
			case a.Bootstrap && b.Bootstrap:
				return errors.New("lwm2m client: there can be one bootstrap server only")
			case !a.Bootstrap && !b.Bootstrap && a.ShortID == b.ShortID:
				return fmt.Errorf("lwm2m client: two servers have the Short Server ID %d", a.ShortID)
			}
		}
		acc.SecurityInstance = freeID(&security, a.SecurityInstance)
		if !a.Bootstrap {
			acc.ServerInstance = freeID(&server, a.ServerInstance)
		} else if c.boot == nil {
			c.boot = &bootstrap{}
		}
		acc.binding, acc.version = c.cfg.Binding, c.cfg.Version
		c.accounts = append(c.accounts, acc)
	}
	return nil
}

// freeID takes the first free identifier from id on.
func freeID(taken *[]uint16, id uint16) uint16 {
	for slices.Contains(*taken, id) {
		id++
	}
	*taken = append(*taken, id)
	return id
}

// secureAccounts says for how many servers DTLS has to have room; 0: DTLS is not needed.
func (c *Client) secureAccounts() int {
	n := 0
	for i := range c.accounts {
		switch a := &c.accounts[i]; {
		case a.Bootstrap:
			return maxAccounts // whatever it may give
		case a.secure:
			n = len(c.accounts)
		}
	}
	return n
}

// serverInstance returns the index of the account that an instance of object 1 belongs to, or -1.
func (c *Client) serverInstance(id uint16) int {
	for i := range c.accounts {
		if a := &c.accounts[i]; a.serves() && a.ServerInstance == id {
			return i
		}
	}
	return -1
}

// securityIDs and serverIDs append the instances of objects 0 and 1, ascending.
func (c *Client) securityIDs(dst []uint16) []uint16 {
	n := len(dst)
	for i := range c.accounts {
		if a := &c.accounts[i]; a.Bootstrap && a.phase != vacant || a.serves() {
			dst = append(dst, a.SecurityInstance)
		}
	}
	slices.Sort(dst[n:])
	return dst
}

func (c *Client) serverIDs(dst []uint16) []uint16 {
	n := len(dst)
	for i := range c.accounts {
		if a := &c.accounts[i]; a.serves() {
			dst = append(dst, a.ServerInstance)
		}
	}
	slices.Sort(dst[n:])
	return dst
}
