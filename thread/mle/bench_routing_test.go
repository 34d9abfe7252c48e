package mle

// benchRouting is what the router's half needs of its node.
type benchRouting struct{}
