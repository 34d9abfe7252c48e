package cli

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"heddle.example/host"
	"heddle.example/host/outside"
	"heddle.example/internal/api"
	"heddle.example/internal/borderpage"
	"heddle.example/internal/borderrouter"
	"heddle.example/internal/node"
	"heddle.example/thread"
	"heddle.example/thread/meshcop"
	"heddle.example/thread/shell"
)

func newBorderRouter() *cobra.Command {
	n := node.Options{Local: "127.0.0.1", Speed: 1}
	var o borderrouter.Options
	var prefix, dataset, pool, page string
	var examine bool
	var q borderrouter.Question
	var aliases, servers []string
	cmd := &cobra.Command{
		Use:   "border-router [ID]",
		Short: "A Thread border router: the way from a mesh to IPv6 and IPv4 networks",
		Long: `A Thread node with a way out. It joins the network that --dataset or its settings name, or forms one, gives the mesh a prefix
whose addresses the outside can answer, a route, NAT64 for IPv4 and a DNS server that resolves names for it. On standard
input and output is the node's command line, with the commands br and nat64; the end of the input does not end it.

Packets leave through ordinary sockets of this program: UDP, TCP and echo requests, for which no right is needed (echo
requests need the sysctl net.ipv4.ping_group_range, or root). Nodes do not reach what listens on this computer's loopback,
unless --alias gives it an address. With --tun packets leave through a network device, and this computer routes them: nodes
keep their addresses and can be reached from outside; for IPv4 they have addresses of --pool. With --infra the network on an
interface learns by router advertisements where the mesh is, and the mesh what that network leads to; by multicast DNS it
finds the border agent and the services that the mesh has registered, and the mesh finds its services.

ID is the node's number on the simulated radio, 1 without it; PORT_OFFSET in the environment keeps networks apart. Settings
are kept in tmp/OFFSET_ID.flash.`,
		Example: `  heddle border-router
  heddle border-router --radio spinel+hdlc+uart:///dev/ttyACM0?baud=460800
  sudo heddle border-router --tun
  sudo heddle border-router --tun --infra eth0
  heddle border-router --alias 198.51.100.1=127.0.0.1 --alias fdaa::1=::1 2
  heddle border-router --doctor --server coaps://lwm2m.example
  heddle border-router --dataset 0e080000000000010000000300000b... --dns 192.0.2.53`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			n.ID = 1
			if len(args) > 0 {
				id, err := strconv.ParseInt(args[0], 0, 32)
				if err != nil || id < 1 || id > node.MaxID {
					return fmt.Errorf("invalid argument %q: a node's ID is a number from 1 to %d", args[0], node.MaxID)
				}
				n.ID = int(id)
			}
			if cmd.Flags().Changed("tun") {
				o.Mode = outside.TUN
			}
			var err error
			if o.Pool, err = netip.ParsePrefix(pool); err != nil || !o.Pool.Addr().Is4() {
				return fmt.Errorf("invalid argument %q for --pool: an IPv4 prefix such as %v is", pool, borderrouter.DefaultPool)
			}
			if err := o.ParseNAT64(prefix); err != nil {
				return err
			}
			if err := o.ParseAliases(aliases); err != nil {
				return err
			}
			if err := o.ParseServers(servers); err != nil {
				return err
			}
			if dataset != "" {
				b, err := hex.DecodeString(strings.TrimSpace(dataset))
				d, err2 := meshcop.ParseDataset(b)
				if err != nil || err2 != nil || !d.Complete() {
					return fmt.Errorf("invalid argument for --dataset: the TLVs of an active dataset in hex are, as `dataset active -x` shows them")
				}
				o.Dataset = &d
			}
			n.Input, n.Output, n.Profile, n.Shell, n.Stay = int(os.Stdin.Fd()), os.Stdout, &thread.DefaultProfile, shell.Config{Echo: true}, true
			if examine {
				return examineBorderRouter(n, o, q, cmd.OutOrStdout())
			}
			return runBorderRouter(n, o, q, page, cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVarP(&n.Local, "local-interface", "L", n.Local, "address or name of the interface that carries the simulated radio")
	addWeb(f, &page)
	f.StringVar(&n.Radio, "radio", "", "`URL` of a real radio co-processor instead of the simulated radio")
	f.StringVar(&dataset, "dataset", "", "join the network of this active dataset, TLVs in `HEX`")
	f.StringVar(&o.Name, "network-name", "", "name of a new network")
	f.Uint8Var(&o.Channel, "channel", 0, "channel of a new network, 11 to 26")
	f.BoolVar(&o.Manual, "manual", false, "do not start Thread: that is done at the prompt")
	f.StringVar(&o.Device, "tun", "", "packets leave through a TUN device of this `NAME`, or heddle0 and so on; needs root or CAP_NET_ADMIN")
	f.Lookup("tun").NoOptDefVal = "heddle%d"
	f.StringVar(&pool, "pool", borderrouter.DefaultPool.String(), "with --tun: `PREFIX` of the nodes' IPv4 addresses outside")
	f.StringVar(&o.Infra, "infra", "", "`INTERFACE` of the network that other routers are on: prefixes and routes are exchanged by router\nadvertisements; needs root or CAP_NET_RAW")
	f.BoolVar(&o.NoMDNS, "no-mdns", false, "with --infra: do not publish the mesh's services there by multicast DNS, nor look there for the mesh")
	f.StringVar(&prefix, "nat64", "well-known", "`PREFIX` for IPv4 addresses: well-known (64:ff9b::/96), local, off, or a prefix")
	f.StringSliceVar(&servers, "dns", nil, "DNS `SERVER` that names are asked of; without it those of /etc/resolv.conf")
	f.StringSliceVar(&aliases, "alias", nil, "let nodes reach one address by another: `ADDRESS=ADDRESS`, such as 198.51.100.1=127.0.0.1")
	f.BoolVar(&examine, "doctor", false, "test each leg of the way out, say what is broken and what to do, and end; at the prompt: doctor")
	f.StringVar(&q.Server, "server", "", "with --doctor and for the page's test: an LwM2M server to try, coap://HOST:PORT or coaps://HOST:PORT")
	f.StringVar(&q.Name, "ask", borderrouter.DefaultName, "with --doctor and for the page's test: `NAME` to resolve")
	f.DurationVar(&o.UDP, "udp-timeout", 0, "how long a port stays open without a packet (default 5m0s)")
	return cmd
}

func runBorderRouter(n node.Options, o borderrouter.Options, q borderrouter.Question, page string, out io.Writer) error {
	g, err := borderrouter.New(o, host.New(host.Options{}).Rand())
	if err != nil {
		return err
	}
	defer g.Close()
	n.Around, n.OwnInfra = g, o.Infra != ""
	if page != "" {
		stop, err := startNodeWeb(&n, page, fmt.Sprintf("border router, node %d", n.ID), pageLog(out), out, func(c *api.Config) {
			c.Border = borderpage.New(borderpage.Options{Seat: c.Seat, Border: g.Router, Out: g.Outside(), Infra: o.Infra, Doctor: g.Doctor(c.Seat).Examine, Ask: func() borderrouter.Question { return q }})
		})
		if err != nil {
			return err
		}
		defer stop()
	}
	if n.Seat == nil {
		n.Seat = node.NewSeat(nil)
	}
	g.Sit(n.Seat)
	if term.IsTerminal(n.Input) {
		fmt.Fprintf(out, "Heddle %s: border router, node %d. help lists commands, doctor tests the way out, dataset active -x is what others join with.\n", Version, n.ID)
	}
	if restore := editLines(&n); restore != nil {
		defer restore()
	}
	status, err := node.Run(n)
	if err == nil && status != 0 {
		err = exitError{status}
	}
	return err
}

// examineBorderRouter runs a border router until the doctor has seen it.
func examineBorderRouter(n node.Options, o borderrouter.Options, q borderrouter.Question, out io.Writer) error {
	g, err := borderrouter.New(o, host.New(host.Options{}).Rand())
	if err != nil {
		return err
	}
	defer g.Close()
	n.OwnInfra = o.Infra != ""
	n.Around, n.Seat, n.Input, n.Output = g, node.NewSeat(nil), -1, io.Discard
	g.Sit(n.Seat)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var printed error
	g.Visit(ctx, q, func(r *borderrouter.Report) { printed = r.Print(out) })
	status, err := node.Run(n)
	switch {
	case err != nil:
		return err
	case status != 0:
		return exitError{status}
	}
	return printed
}
