package tmf

// Port is TMF's UDP port.
const Port = 61631

// URIs of TMF requests (OpenThread's src/core/thread/uri_paths.cpp).
const (
	AddressError           = "a/ae"
	AddressNotify          = "a/an"
	AddressQuery           = "a/aq"
	AddressRelease         = "a/ar"
	AddressSolicit         = "a/as"
	ServerData             = "a/sd"
	AnycastLocate          = "a/yl"
	AnnounceBegin          = "c/ab"
	ActiveGet              = "c/ag"
	ActiveReplace          = "c/ar"
	ActiveSet              = "c/as"
	CommissionerKeepAlive  = "c/ca"
	CommissionerGet        = "c/cg"
	CommissionerPetition   = "c/cp"
	CommissionerSet        = "c/cs"
	DatasetChanged         = "c/dc"
	EnergyReport           = "c/er"
	EnergyScan             = "c/es"
	JoinerEntrust          = "c/je"
	JoinerFinalize         = "c/jf"
	LeaderKeepAlive        = "c/la"
	LeaderPetition         = "c/lp"
	PANIDConflict          = "c/pc"
	PendingGet             = "c/pg"
	PANIDQuery             = "c/pq"
	PendingSet             = "c/ps"
	RelayRx                = "c/rx"
	RelayTx                = "c/tx"
	ProxyRx                = "c/ur"
	ProxyTx                = "c/ut"
	DiagnosticGetAnswer    = "d/da"
	DiagnosticGetRequest   = "d/dg"
	DiagnosticGetQuery     = "d/dq"
	DiagnosticReset        = "d/dr"
	DUARegistrationNotify  = "n/dn"
	DUARegistrationRequest = "n/dr"
	MulticastListeners     = "n/mr"
)

// uris gives a decoded path its constant, so that a path of a received message costs no allocation.
func uris(b []byte) string {
	switch string(b) {
	case AddressError:
		return AddressError
	case AddressNotify:
		return AddressNotify
	case AddressQuery:
		return AddressQuery
	case AddressRelease:
		return AddressRelease
	case AddressSolicit:
		return AddressSolicit
	case ServerData:
		return ServerData
	case DiagnosticGetAnswer:
		return DiagnosticGetAnswer
	}
	return string(b)
}
