package bootstrap

// Service is the bootstrap server's part of a program, for the API.
type Service struct {
	Configurations *Configurations
	Sessions       *Sessions
	Owner          *Owner // nil where the server does not run
}
