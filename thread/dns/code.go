package dns

import "heddle.example/thread/status"

// CodeError returns the error of a response code (OpenThread's Dns::Header::ResponseCodeToError).
func CodeError(code int) error {
	switch code {
	case CodeOK:
		return nil
	case CodeFormat, 10:
		return status.Parse
	case CodeNoName, 8:
		return status.NotFound
	case CodeNotImplemented, 11:
		return status.NotImplemented
	case CodeNameExists, 7:
		return status.Duplicated
	case CodeRefused, 9:
		return status.Security
	}
	return status.Failed
}
