package cli

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"heddle.example/internal/api"
	"heddle.example/internal/pemfile"
	"heddle.example/machine"
)

func newCredential() *cobra.Command {
	var data string
	c := &cobra.Command{
		Use:   "credential",
		Short: "Add, list and remove the credentials of devices",
		Long: `Add, list and remove the credentials of devices: pre-shared keys, raw public keys, names in certificates. The commands
reach a running server through its data directory, and work on the directory itself where none runs.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.PersistentFlags().StringVar(&data, "data", defaultData(), "data `DIRECTORY` of the server")
	c.MarkPersistentFlagDirname("data")
	c.AddCommand(newCredentialAdd(&data), newCredentialList(&data), newCredentialRemove(&data))
	return c
}

func newCredentialAdd(data *string) *cobra.Command {
	var psk, identity, publicKey string
	var certificate bool
	c := &cobra.Command{
		Use:   "add ENDPOINT",
		Short: "Add or replace what a device must prove",
		Example: `  heddle credential add lamp --psk 00112233445566778899aabbccddeeff
  heddle credential add lamp --public-key lamp.pub
  heddle credential add lamp --certificate --identity "serial 1234"`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			in := api.CredentialInput{Identity: identity}
			given := 0
			if psk != "" {
				given, in.Mode, in.Key = given+1, "psk", psk
				if in.Identity == "" {
					in.Identity = args[0]
				}
			}
			if certificate {
				given, in.Mode = given+1, "x509"
			}
			if publicKey != "" {
				given, in.Mode = given+1, "rpk"
				key, kind, err := pemfile.Peer(publicKey)
				switch {
				case err != nil:
					return fmt.Errorf("--public-key: %w", err)
				case kind != machine.RPK:
					return fmt.Errorf("--public-key: %s is a certificate; openssl x509 -in %s -noout -pubkey takes its key out", publicKey, publicKey)
				}
				in.PublicKey = hex.EncodeToString(key)
			}
			if given != 1 {
				return errors.New("give one of --psk, --public-key and --certificate")
			}
			return administer(cmd.Context(), *data, "PUT", "/credentials/"+url.PathEscape(args[0]), in, nil)
		},
	}
	f := c.Flags()
	f.SortFlags = false
	f.StringVar(&psk, "psk", "", "pre-shared key, `HEX`")
	f.StringVar(&publicKey, "public-key", "", "`FILE` (PEM) with the device's raw public key")
	f.BoolVar(&certificate, "certificate", false, "the device has a certificate of an authority that the server believes (--coaps-ca)")
	f.StringVar(&identity, "identity", "", "PSK identity, or the name in the certificate (`TEXT`; default: the endpoint)")
	return c
}

func newCredentialList(data *string) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:     "list",
		Short:   "List the credentials, without secret keys",
		Example: "  heddle credential list\n  heddle credential list --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			all := []api.Credential{}
			for after := ""; ; {
				var page struct {
					Items []api.Credential
					Next  string
				}
				if err := administer(cmd.Context(), *data, "GET", "/credentials?limit=1000&after="+url.QueryEscape(after), nil, &page); err != nil {
					return err
				}
				all = append(all, page.Items...)
				if after = page.Next; after == "" {
					break
				}
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), all)
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "ENDPOINT\tMODE\tIDENTITY\tSTATE\tCREATED")
			for _, t := range all {
				fmt.Fprintln(w, strings.Join([]string{t.Endpoint, t.Mode, t.Identity, t.State, day(&t.CreatedAt, "-")}, "\t"))
			}
			return w.Flush()
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func newCredentialRemove(data *string) *cobra.Command {
	return &cobra.Command{
		Use:     "remove ENDPOINT",
		Short:   "Remove a device's credentials; its session ends",
		Example: "  heddle credential remove lamp",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return administer(cmd.Context(), *data, "DELETE", "/credentials/"+url.PathEscape(args[0]), nil, nil)
		},
	}
}
