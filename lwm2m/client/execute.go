package client

import (
	"heddle.example/coap"
	"heddle.example/coap/endpoint"
)

// Argument is one argument of Execute: a digit and perhaps a value (6.3.5).
type Argument struct {
	Number   uint8
	Value    string
	HasValue bool
}

// ParseArguments reads the arguments of Execute: 0='off',3,5='20'.
//
//	arglist = arg *( "," arg ); arg = DIGIT [ "=" "'" *CHAR "'" ]
func ParseArguments(s string) ([]Argument, error) {
	var args []Argument
	for i := 0; i < len(s); {
		if len(args) > 0 {
			if s[i] != ',' {
				return nil, BadRequest("arguments are separated by commas")
			}
			i++
		}
		if len(args) == maxArgs || i == len(s) || s[i]-'0' > 9 {
			return nil, BadRequest("an argument begins with one digit")
		}
		a := Argument{Number: s[i] - '0'}
		for _, b := range args {
			if b.Number == a.Number {
				return nil, BadRequest("an argument stands there twice")
			}
		}
		if i++; i < len(s) && s[i] == '=' {
			if i++; i == len(s) || s[i] != '\'' {
				return nil, BadRequest("the value of an argument stands between single quotes")
			}
			start := i + 1
			for i++; i < len(s) && s[i] != '\''; i++ {
				if c := s[i]; c < 0x21 || c > 0x7E || c == '"' || c == '\\' {
					return nil, BadRequest("this character cannot stand in an argument")
				}
			}
			if i == len(s) {
				return nil, BadRequest("the value of an argument has no end")
			}
			a.Value, a.HasValue = s[start:i], true
			i++
		}
		args = append(args, a)
	}
	return args, nil
}

// serveExecute carries out Execute (6.3.5).
func (c *Client) serveExecute(op *operation, o Object, r *Resource) (*endpoint.Reply, error) {
	if op.path.Depth() != 3 {
		return nil, NotAllowed("only a whole resource can be executed")
	}
	if err := c.authorize(op.path, RightExecute); err != nil {
		return nil, err
	}
	x, ok := o.(Executer)
	if !ok {
		return nil, NotAllowed("the resource cannot be executed")
	}
	if _, ok := o.Read(c.now, nil, op.path); !ok {
		return nil, NotFound("no such resource")
	}
	if op.HasFormat && op.Format != coap.Text && len(op.Payload) > 0 {
		return nil, &Error{coap.UnsupportedContentFormat, "arguments are text/plain"}
	}
	args, err := ParseArguments(string(op.Payload))
	if err != nil {
		return nil, err
	}
	if err := x.Execute(op.call, op.path, args); err != nil {
		return nil, err
	}
	c.objectTouched(o)
	c.emit(&Executed{Server: op.call.Server, Path: op.path})
	// What an Execute did can show anywhere in its instance.
	c.changed(op.path.Cut(2))
	return &endpoint.Reply{Code: coap.Changed, Remember: true}, nil
}
