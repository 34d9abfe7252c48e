package cli

import (
	"context"

	"heddle.example/lwm2m/client/words"
)

// lwsend sends the values at paths to the server, without being asked, and waits for its answer.
func (p *prompt) lwsend(args []string) error {
	r, ok := words.ParseSend(args)
	if !ok {
		p.printf(words.SendSyntax)
		return nil
	}
	if p.device == nil {
		return words.ErrNotStarted
	}
	out, err := p.device.Send(context.Background(), &r)
	if err != nil {
		return err
	}
	p.printf("%s", words.Sent(out))
	return nil
}
