package cli

import (
	"context"

	"heddle.example/lwm2m"
	"heddle.example/lwm2m/client"
)

// lwsend sends the values at paths to the server, without being asked, and waits for its answer.
func (p *prompt) lwsend(args []string) error {
	const syntax = "Syntax error! lwsend <PATH>...\n"
	var r client.SendRequest
	for _, a := range args {
		path, err := lwm2m.ParsePath(a)
		if err != nil {
			p.printf(syntax)
			return nil
		}
		r.Paths = append(r.Paths, path)
	}
	if len(r.Paths) == 0 {
		p.printf(syntax)
		return nil
	}
	if p.device == nil {
		return errNotStarted
	}
	out, err := p.device.Send(context.Background(), &r)
	if err != nil {
		return err
	}
	switch {
	case out.Err != nil || out.Code.Class() != 2:
		p.printf("Send failed: %s\n", reasonText(out.Err, out.Code, out.Reason, 0))
	default:
		p.printf("Send: %v %s\n", out.Code, out.Code.Name())
	}
	return nil
}
