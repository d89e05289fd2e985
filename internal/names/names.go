// Package names holds what the product, its packages and its version are called. It owns nothing else and imports nothing.
//
// Every package name is one that nobody else can take: whoever owned it would run their code in our customers' servers, beside our
// customers' secrets. Until the product has names of its own in public places, Go paths lie below a reserved domain (RFC 2606) and the npm
// name has a capital letter, which the public registry refuses to everybody. There is no address of a public repository, on purpose.
// Files that must repeat a name (go.mod, package.json, the SDKs) are compared with this one by a test.
package names

// What things are called.
const (
	// Product is the name of the product and of its binary.
	Product = "mcpauth"
	// Version is that of the product and of both SDKs, which are served by the product itself.
	Version = "0.1.0"
	// Module is the path of the Go module of the service.
	Module = "mcpauth.example"
	// GoSDK is the path of the Go module of the guard.
	GoSDK = Module + "/sdk/go"
	// NPM is the name of the guard's npm package.
	NPM = "mcpAuth"
)

// UserAgent says who asks, and at which installation its owner can be found. Strangers read it.
func UserAgent(baseURL string) string { return Product + "/" + Version + " (+" + baseURL + ")" }
