package api

import (
	"encoding/json"

	"heddle.example/internal/bootstrap"
	"heddle.example/internal/fleet"
)

// BootstrapConfiguration is what a device, or each of a group of devices, is given. What is marked as read-only may stand in
// a request, so that an answer can be edited and sent back, and is passed over.
type BootstrapConfiguration struct {
	Endpoint   string             `json:"endpoint,omitempty" maxLength:"192" doc:"a name; with a * at its end all names that begin so. In a PUT the path says it"`
	Enabled    *bool              `json:"enabled,omitempty" doc:"absent: true"`
	Account    BootstrapAccount   `json:"account" doc:"how the device reaches this bootstrap server"`
	Servers    []GivenServer      `json:"servers" nullable:"false"`
	Delete     []string           `json:"delete,omitempty" doc:"objects and instances to delete first; the account of this bootstrap server stays"`
	Read       []string           `json:"read,omitempty" doc:"/1 and /2 and their instances: what the device has there is shown in the session"`
	ACLs       []AccessEntry      `json:"acls,omitempty" doc:"instances of object 2, from 0 on"`
	Objects    []BootstrapWrite   `json:"objects,omitempty" doc:"what else to write"`
	Format     string             `json:"format,omitempty" enum:"auto,tlv,senml-json,senml-cbor" doc:"absent or auto: what the device prefers"`
	OnRefusal  string             `json:"onRefusal,omitempty" enum:"stop,continue" doc:"what becomes of a session in which the device refuses a message; absent: stop, without a Finish"`
	MaxDevices uint32             `json:"maxDevices,omitempty" doc:"of a group: how many devices may get credentials on this program's own server; absent: 10,000"`
	CreatedAt  fleet.Time         `json:"createdAt,omitzero" format:"date-time" doc:"read-only"`
	UpdatedAt  fleet.Time         `json:"updatedAt,omitzero" format:"date-time" doc:"read-only"`
	Result     *bootstrap.Outcome `json:"result,omitempty" doc:"read-only: what became of its sessions"`
	Session    *bootstrap.Session `json:"session,omitempty" doc:"read-only: its newest session since the server was started"`
}

// BootstrapAccount is the tab "LWM2M Bootstrap Server".
type BootstrapAccount struct {
	URI            string  `json:"uri,omitempty" maxLength:"255" example:"coaps://[2001:db8::1]:5784"`
	Mode           string  `json:"mode" enum:"psk,none"`
	Identity       string  `json:"identity,omitempty" maxLength:"128"`
	Key            string  `json:"key,omitempty" doc:"hexadecimal, 16 to 128 digits; never in an answer; absent: the stored one stays"`
	HasKey         bool    `json:"hasKey,omitempty" doc:"read-only"`
	HoldOff        *uint32 `json:"holdOff,omitempty" doc:"seconds that the device waits before it asks by itself"`
	AccountTimeout *uint32 `json:"accountTimeout,omitempty" doc:"seconds after which it drops the account; 0: never"`
	Update         bool    `json:"update,omitempty" doc:"write all this to the device's own account, too; else it is for the operator only"`
}

// GivenServer is the tab "LWM2M Server".
type GivenServer struct {
	URI               string             `json:"uri" maxLength:"255" example:"coaps://[2001:db8::1]:5684"`
	Mode              string             `json:"mode" enum:"psk,rpk,x509,none"`
	PublicKey         string             `json:"publicKey,omitempty" maxLength:"8192" doc:"rpk: the device's public key, absent: that of key; x509: its certificate; DER in hexadecimal digits"`
	ServerPublicKey   string             `json:"serverPublicKey,omitempty" maxLength:"8192" doc:"rpk: the server's public key; x509: the certificate, or its hash, that resource 15 is about; DER in hexadecimal digits"`
	Identity          string             `json:"identity,omitempty" maxLength:"128" doc:"{endpoint} stands for the device's name; of a group each device has its own"`
	Key               string             `json:"key,omitempty" doc:"hexadecimal, 16 to 128 digits; never in an answer; absent: the stored one stays. Of a group: the secret from which each device's key is made. rpk, x509: the device's private key, PKCS #8"`
	HasKey            bool               `json:"hasKey,omitempty" doc:"read-only"`
	GenerateKey       bool               `json:"generateKey,omitempty" doc:"make a new key; for a group always"`
	ShortServerID     uint16             `json:"shortServerId" minimum:"1" maximum:"65534"`
	Lifetime          uint32             `json:"lifetime" doc:"seconds"`
	Binding           string             `json:"binding,omitempty" example:"U" doc:"absent: U"`
	Storing           bool               `json:"storing,omitempty" doc:"notifications while disabled or offline"`
	MuteSend          *bool              `json:"muteSend,omitempty" doc:"absent: not written, which mutes the device"`
	Resources         map[string]rawJSON `json:"resources,omitempty" doc:"further resources of the Server object, by id: 2, 3, 5, 13 to 22"`
	SecurityResources map[string]rawJSON `json:"securityResources,omitempty" doc:"further resources of the Security object, by id: 11 to 16"`
	SecurityInstance  *uint16            `json:"securityInstance,omitempty" doc:"absent: chosen when the device is discovered"`
	ServerInstance    *uint16            `json:"serverInstance,omitempty" doc:"absent: chosen when the device is discovered"`
	Local             bool               `json:"local,omitempty" doc:"the LwM2M server of this very program: the device is added to its credentials. Found out from uri; set it where uri names a proxy or another address of it"`
}

// AccessEntry is an instance of the Access Control object.
type AccessEntry struct {
	Object   uint16            `json:"object"`
	Instance uint16            `json:"instance" doc:"65535: who may create instances"`
	Owner    uint16            `json:"owner" doc:"Short Server ID; 65535: the bootstrap server"`
	Rights   map[string]uint16 `json:"rights,omitempty" doc:"by Short Server ID, 0 for every other server: 1 read, observe and attributes, 2 write, 4 execute, 8 delete, 16 create"`
}

// BootstrapWrite is an object, instance or resource to write.
type BootstrapWrite struct {
	Path      string  `json:"path" example:"/3/0/15"`
	Resources rawJSON `json:"resources,omitempty" doc:"of an instance by resource id, of an object by instance and resource id, of a multiple resource by instance id"`
	Value     rawJSON `json:"value,omitempty" doc:"of a resource"`
}

// rawJSON is any JSON value.
type rawJSON = json.RawMessage
