package oauth

// InsufficientScope is why a guard refuses a call (RFC 6750 section 3.1); this server itself never answers with it.
const InsufficientScope Code = "insufficient_scope"

type adviceKey struct {
	code      Code
	parameter string
}

// advice is what somebody who builds an MCP server or a client can do about an error, by the parameter that was wrong. An entry without
// a parameter is for every other error of the code.
var advice = map[adviceKey]string{
	{InvalidRequest, "redirect_uri"}: "The client has to send a redirect URI exactly as it registered it, character for character; only the port of a " +
		"loopback address may differ. Look for a trailing slash, another path, or localhost in place of 127.0.0.1.",
	{InvalidRequest, "client_id"}:             "The client has to send its client_id with every request. Remove the connection in the client and add it again.",
	{InvalidRequest, "code_challenge"}:        "The client has to use PKCE: a code_challenge of 43 base64url characters with code_challenge_method S256.",
	{InvalidRequest, "code_challenge_method"}: "The client has to send code_challenge_method=S256. Left out it means plain, which is refused.",
	{InvalidRequest, "response_type"}:         "The client has to send response_type=code.",
	{InvalidRequest, "code_verifier"}:         "The client has to send the code_verifier that belongs to its code_challenge.",
	{InvalidRequest, "Content-Type"}:          "The client has to send the body with the Content-Type that the endpoint expects.",
	{InvalidRequest, ""}:                      "The request does not keep to the specification. Update the client, or report it to whoever makes it.",
	{InvalidClient, "client_id"}: "The client uses an id that this project does not know (any more): another project's, or that of a registration which was " +
		"deleted. Remove the connection in the client and add it again, so that it registers anew.",
	{InvalidClient, ""}:    "The client did not prove who it is. Check its secret or key, or remove the connection and add it again.",
	{InvalidGrant, "code"}: "A code works once, and within a minute. One failure is often a retry; if it repeats, look for a client that runs twice.",
	{InvalidGrant, "code_verifier"}: "The client has to send the code_verifier of 43 to 128 characters that it made the code_challenge of this attempt from. " +
		"Look for a client that began twice and mixes up two attempts.",
	{InvalidGrant, "redirect_uri"}: "The client has to send the redirect_uri of its authorization request again, character for character, or leave it out.",
	{InvalidGrant, "client_id"}:    "A code or refresh token works only for the client that got it. Look for two clients that share one token store.",
	{InvalidGrant, "issuer"}:       "The client has to use the token endpoint of the metadata that it began with.",
	{InvalidGrant, "account"}:      "The account is blocked in this project. Unblock it if that was a mistake.",
	{InvalidGrant, "refresh_token"}: "If the connection ended, the person has to connect again. If an old refresh token was presented, two copies of the client " +
		"may share one token store: raise the grace for refresh tokens, or let each copy sign in.",
	{InvalidClient, "client_secret"}:              "The client has to send the secret that it got when it was registered. Make another one if it is lost.",
	{InvalidClient, "token_endpoint_auth_method"}: "The client has to prove who it is the way it registered. Change its configuration, or register it anew.",
	{InvalidGrant, ""}:                            "The client has to start again with a new authorization.",
	{InvalidTarget, ""}:                           "The client asks for another resource than your MCP server has here. Enter the server's address in the project exactly as clients use it, or correct what the server's protected resource metadata says. mcpauth doctor shows the difference.",
	{InvalidScope, ""}:                            "The client asks for scopes that this project does not have or that were not granted. Add them to the project, or have the guard ask for others.",
	{InvalidRedirectURI, ""}:                      "The client wants to be called back at an address that is not safe. https is accepted anywhere, http on this computer only, and an app's own scheme with a host.",
	{InvalidClientMetadata, ""}:                   "What the client says about itself cannot be used. Whoever makes it has to correct the member.",
	{UnapprovedSoftwareStatement, ""}:             "Register the client without a software statement.",
	{UnauthorizedClient, ""}:                      "The client is blocked in this project. Unblock it if that was a mistake.",
	{AccessDenied, "client_id"}:                   "The client is blocked, or waits for your approval. Decide about it among the project's clients.",
	{AccessDenied, "password"}:                    "The person mistyped. They can try again; nothing is wrong with the client.",
	{AccessDenied, "code"}:                        "The person has to type the latest code, or ask for another one; nothing is wrong with the client.",
	{AccessDenied, "account"}:                     "The account is blocked in this project. Unblock it if that was a mistake.",
	{AccessDenied, "provider"}:                    "Check client id, secret and callback address at the provider; a person who cancelled there may just try again.",
	{AccessDenied, "email_verified"}:              "The provider has to verify the address of the person's account first. Other ways to sign in work.",
	{AccessDenied, "session"}:                     "The person signed out, or in as somebody else, while the page was open. They can try again.",
	{InvalidRequest, "email"}:                     "The person has to correct what the page says.",
	{InvalidRequest, "password"}:                  "The person has to correct what the page says.",
	{AccessDenied, "decision"}:                    "The person chose Deny. Nothing is wrong.",
	{AccessDenied, ""}:                            "The policy of this project refuses this. Change the policy if that was not meant.",
	{InvalidToken, "Authorization"}:               "The credential in the Authorization header is unknown or revoked. Check the registration secret of the MCP server, or the initial access token.",
	{InvalidToken, "aud"}:                         "The client presents the token of one MCP server at another one. It has to ask for a token for each.",
	{InvalidToken, "exp"}:                         "The client has to refresh its token. If it never does, it did not get a refresh token: see whether it asked for one.",
	{InvalidToken, ""}:                            "The client has to sign its person in again.",
	{UnsupportedGrantType, ""}:                    "The client has to use a grant type that the metadata lists.",
	{UnsupportedResponseType, ""}:                 "The client has to send response_type=code.",
	{RequestNotSupported, ""}:                     "The client has to send its parameters themselves, not a request object.",
	{RequestURINotSupported, ""}:                  "The client has to send its parameters themselves, not a request_uri.",
	{ConsentRequired, ""}:                         "The client asked not to show a page, but a person has to decide. It has to leave prompt=none out.",
	{TooManyRequests, ""}:                         "Too many requests came from one place. A client that waits as long as Retry-After says gets through.",
	{TemporarilyUnavailable, "limit"}:             "The organization has more connected users this month than its plan includes, the grace used up. A larger plan lets new people in at once; who was connected before is not stopped.",
	{AccessDenied, "limit"}:                       "A development project holds 100 people. Switch it to production on the launch page.",
	{TemporarilyUnavailable, ""}:                  "The database could not be asked. The client may try again.",
	{ServerError, ""}:                             "This is our fault. Tell us the request id.",
	{InsufficientScope, ""}:                       "The tool needs a scope that was not granted. The guard asks the client to step up; a client that cannot has to be connected again with that scope.",
}

// Advice says what to do about the error; empty where nothing is known to help.
func (e *Error) Advice() string {
	if found, ok := advice[adviceKey{e.Code, e.Parameter}]; ok {
		return found
	}
	return advice[adviceKey{e.Code, ""}]
}
