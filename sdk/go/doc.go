// Package mcpauth guards an MCP server written in Go: it lets requests through only with an access token that a
// mcpauth project issued for exactly this server, and it tells every other client where to get one.
//
//	guard, err := mcpauth.New(mcpauth.Config{RegistrationSecret: os.Getenv("MCPAUTH_SECRET")})
//	if err != nil {
//		log.Fatal(err)
//	}
//	mux := http.NewServeMux()
//	guard.Register(mux, "/mcp", mcp.NewStreamableHTTPHandler(getServer, nil))
//	log.Fatal(http.ListenAndServe("localhost:8090", mux))
//
// Every installation of mcpauth gives the module out itself; the set-up page of a project shows the command.
//
// The registration secret is the only setting. It names the project's address; the issuer, the server's URL and its
// scopes are asked for with it on first use, so that a server starts while the project cannot be reached: requests
// are then answered 503 with Retry-After, never 401, because a 401 makes clients throw their tokens away.
//
// Access tokens are verified here with the project's published keys (RFC 9068), and the project tells of every approval
// that ends, within a second. Whenever keys or feed are not up to date, and for the first token of an approval, the
// project is asked (RFC 7662), and a positive answer is remembered for five seconds at most. Tools read who is calling
// from the go-sdk's own [auth.TokenInfo], or with [IdentityFrom].
//
// The package owns the guard's side of the protocol between a server and its project. It must import nothing but the
// standard library, the go-sdk and the JWT library that it brings along: it is linked into other people's programs.
package mcpauth
