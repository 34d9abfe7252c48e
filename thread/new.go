package thread

import (
	"time"

	"heddle.example/machine"
	"heddle.example/thread/borderagent"
	"heddle.example/thread/datasets"
	"heddle.example/thread/history"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/keys"
	"heddle.example/thread/mac"
	"heddle.example/thread/mesh"
	"heddle.example/thread/mle"
	"heddle.example/thread/neighbor"
	"heddle.example/thread/offers"
	"heddle.example/thread/radio"
	"heddle.example/thread/tmf"
)

// New returns a node with the settings of its disk, its interface down. Its actions are drained before the first input.
func New(c Config) (*Node, error) {
	n := &Node{config: c, profile: c.Profile, out: machine.NewOutbox(c.Nest), echo: EchoAll}
	if n.profile == nil {
		n.profile = &DefaultProfile
	}
	if err := n.settings.load(c.Settings); err != nil {
		return nil, err
	}
	n.vendor = [4]string{n.profile.VendorName, n.profile.VendorModel, n.profile.VendorSoftware, ""}
	n.table = neighbor.New(n.profile.MaxChildren, radio.Sensitivity, c.Rand)
	n.cop = datasets.New(datasets.Config{
		Rand: c.Rand, Now: c.Now, Params: datasets.DefaultParams(c.Rand),
		DelayMin: n.profile.PendingDelayMin, DelayDefault: n.profile.PendingDelayDefault,
		Active: n.LoadSetting(settingActive), Pending: n.LoadSetting(settingPending),
	}, (*copEnv)(n))
	cache := c.Keys
	if cache == nil {
		cache = keys.NewCache()
	}
	n.keys = keys.New((*keysEnv)(n), cache, n.cop.Params().NetworkKey, decodeCounters(n.LoadSetting(settingCounters)))
	network := decodeNetwork(n.LoadSetting(settingNetwork))
	n.mac = mac.New(mac.Config{
		Ext: n.firstExt(network), Rand: c.Rand, Keys: n.keys, Neighbors: n.table, Caps: c.Caps,
		FilterSize: n.profile.MACFilter, FullThread: !c.MTD,
	}, (*macEnv)(n))
	n.data = offers.New(offers.Config{Rand: c.Rand, Now: c.Now}, (*dataEnv)(n))
	n.mesh = mesh.New(mesh.Config{
		Table: n.table, Rand: c.Rand, FTD: !c.MTD, Pool: c.Pool, Buffers: n.profile.MessageBuffers,
		CacheEntries: n.profile.AddressCache, SnoopEntries: n.profile.SnoopEntries, QueryTimeout: n.profile.AddressQueryTimeout,
		QueryRetry: n.profile.AddressQueryRetry, QueryMaxRetry: n.profile.AddressQueryMaxRetry,
	}, (*meshEnv)(n))
	n.mesh.Accept = n.acceptUnsecured
	n.mesh.Cause = func() machine.Cause { return n.cause }
	if c.History {
		n.history = history.New()
		n.mesh.Transmitted = n.rememberSent
	}
	mode := mle.Mode(neighbor.ModeRxOnWhenIdle)
	if !c.MTD {
		mode = neighbor.RouterMode
	}
	n.mle = mle.New(mle.Config{
		Rand: c.Rand, Table: n.table, Keys: n.keys, Mode: mode, MTD: c.MTD, SupportedChannels: mac.AllChannels,
		MeshLocalPrefix: n.cop.Params().MeshLocalPrefix, ChildTimeout: uint32(n.profile.ChildTimeout / time.Second),
		SupervisionInterval: 129, SupervisionTimeout: 190, AddressesToRegister: n.profile.ChildAddresses,
		ParentSearch: !c.MTD, ParentSearchCheck: n.profile.ParentSearch, Restored: network,
		RestoredParent: decodeParent(n.LoadSetting(settingParent)),
		OnChildGroups:  n.childListens, OnLinkMetrics: n.linkMetrics, AppendLinkMetrics: appendLinkMetrics,
		FTD: mle.FTDConfig{ChildAddresses: n.profile.ChildAddresses},
	}, (*mleEnv)(n))
	n.tmf = tmf.New(tmf.Config{Rand: c.Rand}, (*tmfEnv)(n))
	n.diag = tmf.NewDiagnostics(n.tmf, (*diagEnv)(n))
	n.agent = borderagent.New(c.Rand, n.out.Nest(), (*agentEnv)(n))
	n.table.SetMeshLocal(n.cop.Params().MeshLocalPrefix)
	n.table.Self.Ext = n.mac.Ext()
	n.mle.SetLeaderWeight(DefaultProperties.Weight())
	n.own.linkLocal, n.own.rloc16 = n.mle.LinkLocal(), neighbor.InvalidRLOC16

	n.begin(c.Now, 0)
	n.mle.SetCSLTimeout(c.Now, defaultCSLTimeout)
	n.cop.Restore(c.Now)
	n.mle.ResetCounters(c.Now) // role times count from here
	n.mle.Restore(c.Now)
	n.finish(c.Now)
	return n, nil
}

// firstExt returns the extended address that a node begins with: that of its last life in a network, or a random one.
func (n *Node) firstExt(i *mle.NetworkInfo) (e ieee802154.ExtAddr) {
	if i != nil && i.Role.Attached() {
		return i.Ext
	}
	n.config.Rand.Fill(e[:])
	e[0] = e[0]&^1 | 2 // not a group's, and given by no manufacturer
	return e
}

func modeOf(b byte) mle.Mode { return neighbor.ModeFromWire(b) }
