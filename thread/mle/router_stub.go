package mle

import (
	"heddle.example/machine"
	"heddle.example/thread/neighbor"
	"heddle.example/thread/status"
)

// What the router's half has to offer; the engineer `router` replaces this file.

// FTDConfig is what a full Thread device is born with.
type FTDConfig struct{}

type ftdState struct{}

func (m *MLE) initFTD() {}

func (m *MLE) tick(now machine.Time)           {}
func (m *MLE) advertiseTimer(now machine.Time) {}

// sendDelayedFTD writes and sends a delayed message of the kinds that only a full Thread device has.
func (m *MLE) sendDelayedFTD(now machine.Time, d delayed) {}

// dispatchFTD takes in LinkRequest, LinkAccept, LinkAcceptAndRequest, DataRequest, ParentRequest, ChildIDRequest,
// LinkMetrics*, TimeSync.
func (m *MLE) dispatchFTD(now machine.Time, r *rx) {}

func (m *MLE) receiveDiscoveryRequest(now machine.Time, r *rx)            {}
func (m *MLE) receiveChildUpdateRequestOnParent(now machine.Time, r *rx)  {}
func (m *MLE) receiveChildUpdateResponseOnParent(now machine.Time, r *rx) {}

// receiveAdvertisementFTD is HandleAdvertisementOnFtd; an error ends the reception.
func (m *MLE) receiveAdvertisementFTD(now machine.Time, r *rx, source uint16, d LeaderData) error {
	return nil
}

// routeOnChild is ReadAndProcessRouteTlvOnFtdChild: it does nothing unless we are a full Thread device.
func (m *MLE) routeOnChild(now machine.Time, r *rx, parent uint8) error { return nil }

// comparePartitions returns > 0 if partition a is to be preferred to b.
func comparePartitions(singletonA bool, a LeaderData, singletonB bool, b LeaderData) int { return 0 }

// Singleton says whether there is at most one router in the partition.
func (m *MLE) Singleton() bool { return true }

// stopAdvertise is StopAdvertiseTrickleTimer.
func (m *MLE) stopAdvertise(now machine.Time) {}

// BecomeLeader is Mle::BecomeLeader; checkWeight is kCheckLeaderWeight.
func (m *MLE) BecomeLeader(now machine.Time, checkWeight bool) error { return status.NotCapable }

// RouterEligible is Mle::IsRouterEligible.
func (m *MLE) RouterEligible() bool { return false }

// detachedFTD is HandleDetachStart, with the removal of alternate RLOC16 (clearAlternate) and, if we were leader, what
// StopLeader does.
func (m *MLE) detachedFTD(now machine.Time) {}

// becameChildFTD is HandleChildStart.
func (m *MLE) becameChildFTD(now machine.Time, mode AttachMode) {}

// partitionChanged is HandlePartitionChange, called before leaderData changes.
func (m *MLE) partitionChanged(now machine.Time) {}

// clearAlternate is ClearAlternateRloc16.
func (m *MLE) clearAlternate(now machine.Time) {}

// networkDataChangedFTD is HandleNetworkDataUpdateRouter.
func (m *MLE) networkDataChangedFTD(now machine.Time) {}

// securityPolicyChanged is HandleSecurityPolicyChanged.
func (m *MLE) securityPolicyChanged(now machine.Time) {}

// roleTransitionPending is IsRouterRoleTransitionPending.
func (m *MLE) roleTransitionPending() bool { return false }

// selectBetterParent is ParentSearch::SelectBetterParent: the router that is asked, its reselect time-out restarted.
func (m *MLE) selectBetterParent() *neighbor.Router { return nil }

// restoreRouter takes the router id, the previous partition and the children out of the settings.
func (m *MLE) restoreRouter(now machine.Time, n *NetworkInfo) {}

// restoreAttempts is DetermineMaxLinkRequestAttempts.
func (m *MLE) restoreAttempts() uint8 { return 3 }

// restoreLinkDelay is how many milliseconds to wait after the multicast Link Request that is sent now; restorer.attempts is
// what is left after it (SendMulticastLinkRequest). sendLinkRequest(nil) draws restorer.challenge.
func (m *MLE) restoreLinkDelay() uint32 { return 2000 }

// sendLinkRequest is SendLinkRequest: to a router, or to all if there is none.
func (m *MLE) sendLinkRequest(now machine.Time, to *neighbor.Router) {}

// sendAddressRelease gives our router id back.
func (m *MLE) sendAddressRelease(now machine.Time) {}

// reestablishFTD is the router's part of ReestablishLinkWithNeighbor.
func (m *MLE) reestablishFTD(now machine.Time, n *neighbor.Neighbor) {}

// heardSameAnnounce is AnnounceSender::UpdateOnReceivedAnnounce.
func (m *MLE) heardSameAnnounce() {}
