package oauth

import (
	"encoding/binary"
	"strings"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/secret"
)

// randomSize is the size of the random bytes that a code and the refresh tokens of a grant share with the row's hash.
const randomSize = 16

// referenceKind is a type of credential that refers to a grant. The kinds have their own prefix and their own MAC key, so that none
// passes for another (catalogue 169).
type referenceKind struct {
	prefix  string
	purpose string
}

var (
	kindCode    = referenceKind{"mcpauth_ac_", "code"}
	kindRefresh = referenceKind{"mcpauth_rt_", "refresh"}
)

// reference is what a code or a refresh token says. Nothing of it is stored; forging one takes the master key and the row.
type reference struct {
	kind       referenceKind
	grant      id.ID
	generation uint64 // of a refresh token; 0 for a code
	random     []byte
}

const referenceSize = 1 + 16 + 8 + randomSize + 32 // key version, grant, generation, random bytes, MAC

func (s *Server) newReference(issuer *Issuer, r reference) string {
	out := make([]byte, 0, referenceSize)
	out = append(out, s.keys.Current())
	out = append(out, r.grant[:]...)
	out = binary.BigEndian.AppendUint64(out, r.generation)
	out = append(out, r.random...)
	out = append(out, s.referenceMAC(issuer, r.kind, out[0], out[1:])...)
	return r.kind.prefix + secret.Encode(out)
}

// readReference verifies a presented credential. Whatever is wrong with it, the answer is the same.
func (s *Server) readReference(issuer *Issuer, kind referenceKind, token string) (reference, bool) {
	encoded, ok := strings.CutPrefix(token, kind.prefix)
	if !ok {
		return reference{}, false
	}
	raw, err := secret.Decode(encoded)
	if err != nil || len(raw) != referenceSize {
		return reference{}, false
	}
	content, mac := raw[:referenceSize-32], raw[referenceSize-32:]
	expected := s.referenceMAC(issuer, kind, content[0], content[1:])
	if expected == nil || !secret.Equal(expected, mac) {
		return reference{}, false
	}
	r := reference{kind: kind, generation: binary.BigEndian.Uint64(content[17:25]), random: content[25:]}
	copy(r.grant[:], content[1:17])
	return r, true
}

// referenceMAC binds a credential to its kind, its issuer and the deployment's epoch.
func (s *Server) referenceMAC(issuer *Issuer, kind referenceKind, version byte, content []byte) []byte {
	epoch := binary.BigEndian.AppendUint32(nil, s.epoch)
	return s.keys.MAC(version, kind.purpose, issuer.ID[:], epoch, content)
}
