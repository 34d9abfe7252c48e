package coap

// Type is the type of a message (RFC 7252 section 3).
type Type uint8

// The types of message.
const (
	CON Type = iota // Confirmable
	NON             // Non-confirmable
	ACK             // Acknowledgement
	RST             // Reset
)

func (t Type) String() string { return [...]string{"CON", "NON", "ACK", "RST"}[t&3] }

// Code is a method or response code: three bits of class, five of detail (RFC 7252 section 12.1).
type Code uint8

// Empty is the code of a message without request or response.
const Empty Code = 0

// Methods (RFC 7252 section 5.8, RFC 8132).
const (
	GET Code = iota + 1
	POST
	PUT
	DELETE
	FETCH
	PATCH
	IPATCH
)

// Response codes (RFC 7252 section 5.9, RFC 7959 section 2.9, RFC 8132, RFC 8516).
const (
	Created  = Code(2<<5 | 1)
	Deleted  = Code(2<<5 | 2)
	Valid    = Code(2<<5 | 3)
	Changed  = Code(2<<5 | 4)
	Content  = Code(2<<5 | 5)
	Continue = Code(2<<5 | 31)

	BadRequest               = Code(4<<5 | 0)
	Unauthorized             = Code(4<<5 | 1)
	BadOption                = Code(4<<5 | 2)
	Forbidden                = Code(4<<5 | 3)
	NotFound                 = Code(4<<5 | 4)
	MethodNotAllowed         = Code(4<<5 | 5)
	NotAcceptable            = Code(4<<5 | 6)
	RequestEntityIncomplete  = Code(4<<5 | 8)
	Conflict                 = Code(4<<5 | 9)
	PreconditionFailed       = Code(4<<5 | 12)
	RequestEntityTooLarge    = Code(4<<5 | 13)
	UnsupportedContentFormat = Code(4<<5 | 15)
	UnprocessableEntity      = Code(4<<5 | 22)
	TooManyRequests          = Code(4<<5 | 29)

	InternalServerError  = Code(5<<5 | 0)
	NotImplemented       = Code(5<<5 | 1)
	BadGateway           = Code(5<<5 | 2)
	ServiceUnavailable   = Code(5<<5 | 3)
	GatewayTimeout       = Code(5<<5 | 4)
	ProxyingNotSupported = Code(5<<5 | 5)
	HopLimitReached      = Code(5<<5 | 8)
)

// Class returns the class: 0 request, 2 success, 4 client error, 5 server error.
func (c Code) Class() uint8 { return uint8(c >> 5) }

// Detail returns the detail: 5 in 2.05.
func (c Code) Detail() uint8 { return uint8(c & 0x1f) }

// IsRequest reports whether c is a method.
func (c Code) IsRequest() bool { return c != Empty && c.Class() == 0 }

// IsResponse reports whether c is a response code.
func (c Code) IsResponse() bool { k := c.Class(); return k == 2 || k == 4 || k == 5 }

// IsSuccess reports whether c is of class 2.
func (c Code) IsSuccess() bool { return c.Class() == 2 }

// String returns the dotted form, as in "2.05".
func (c Code) String() string {
	d := c.Detail()
	return string([]byte{'0' + c.Class(), '.', '0' + d/10, '0' + d%10})
}

var codeNames = map[Code]string{
	Empty: "Empty", GET: "GET", POST: "POST", PUT: "PUT", DELETE: "DELETE", FETCH: "FETCH", PATCH: "PATCH", IPATCH: "iPATCH",
	Created: "Created", Deleted: "Deleted", Valid: "Valid", Changed: "Changed", Content: "Content", Continue: "Continue",
	BadRequest: "Bad Request", Unauthorized: "Unauthorized", BadOption: "Bad Option", Forbidden: "Forbidden",
	NotFound: "Not Found", MethodNotAllowed: "Method Not Allowed", NotAcceptable: "Not Acceptable",
	RequestEntityIncomplete: "Request Entity Incomplete", Conflict: "Conflict", PreconditionFailed: "Precondition Failed",
	RequestEntityTooLarge: "Request Entity Too Large", UnsupportedContentFormat: "Unsupported Content-Format",
	UnprocessableEntity: "Unprocessable Entity", TooManyRequests: "Too Many Requests",
	InternalServerError: "Internal Server Error", NotImplemented: "Not Implemented", BadGateway: "Bad Gateway",
	ServiceUnavailable: "Service Unavailable", GatewayTimeout: "Gateway Timeout",
	ProxyingNotSupported: "Proxying Not Supported", HopLimitReached: "Hop Limit Reached",
}

// Name returns the registered name, as in "Content", or the dotted form of an unregistered code.
func (c Code) Name() string {
	if n, ok := codeNames[c]; ok {
		return n
	}
	return c.String()
}
