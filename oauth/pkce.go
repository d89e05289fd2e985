package oauth

import (
	"crypto/sha256"

	"mcpauth.example/internal/secret"
)

// challengeLength is the length of an S256 challenge: 32 bytes in base64url (RFC 7636 section 4.2).
const challengeLength = 43

// challengeSyntax is what a code_challenge consists of (RFC 7636 section 4.2).
const challengeSyntax = "43 of A-Z a-z 0-9 - _"

// verifierSyntax is what a code_verifier consists of (RFC 7636 section 4.1).
const verifierSyntax = "43 to 128 of A-Z a-z 0-9 - . _ ~"

func validChallenge(challenge string) bool {
	decoded, err := secret.Decode(challenge)
	return err == nil && len(challenge) == challengeLength && len(decoded) == sha256.Size
}

// challengeOf derives the challenge from a verifier (RFC 7636 section 4.6); false for a verifier outside 43 to 128 unreserved characters
// (section 4.1).
func challengeOf(verifier string) (string, bool) {
	if len(verifier) < 43 || len(verifier) > 128 {
		return "", false
	}
	for i := range len(verifier) {
		c := verifier[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && c != '-' && c != '.' && c != '_' && c != '~' {
			return "", false
		}
	}
	sum := sha256.Sum256([]byte(verifier))
	return secret.Encode(sum[:]), true
}
