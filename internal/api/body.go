package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
)

// bodyMost bounds the body of one operation.
const bodyMost = 1 << 20

// bodyTimeout is how long a client may take to send a body.
const bodyTimeout = 30 * time.Second

// ReadBody reads a body of bounded length in bounded time.
func ReadBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	rc := http.NewResponseController(w)
	rc.SetReadDeadline(time.Now().Add(bodyTimeout))
	defer rc.SetReadDeadline(time.Time{}) // else the operation that follows would end with it
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyMost))
	var long *http.MaxBytesError
	if errors.As(err, &long) {
		return nil, problem(413, "The body is longer than %d bytes.", bodyMost)
	}
	if err != nil {
		return nil, problem(400, "The body could not be read: %v.", err)
	}
	return b, nil
}

// decodeBody reads a JSON body strictly: a misspelled member is an error, not silently nothing.
func decodeBody(w http.ResponseWriter, r *http.Request, v any) error {
	b, err := ReadBody(w, r)
	if err != nil {
		return err
	}
	if len(bytes.TrimSpace(b)) == 0 {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		var syntax *json.SyntaxError
		switch {
		case errors.As(err, &syntax):
			return problem(400, "The body is not valid JSON, at byte %d: %v.", syntax.Offset, err)
		case errors.Is(err, io.ErrUnexpectedEOF):
			return problem(400, "The body is not valid JSON: it ends too early.")
		}
		return problem(422, "The body does not fit: %v.", strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := dec.Token(); err != io.EOF {
		return problem(400, "The body is more than one JSON value.")
	}
	return nil
}
