package signin

import (
	"testing"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/secret"
)

func keyring(t *testing.T, text string) *secret.Keyring {
	t.Helper()
	keys, err := secret.ParseKeyring(text)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// A code answers one challenge, under the key it was made with, also after that key has been succeeded.
func TestCodeMAC(t *testing.T) {
	t.Parallel()
	one, two := "1:"+secret.Encode(secret.Bytes(32)), "2:"+secret.Encode(secret.Bytes(32))
	before := &Service{Keys: keyring(t, one)}
	challenge, other := id.New(), id.New()
	mac := before.codeMAC(challenge, "123456")
	if len(mac) != 33 || mac[0] != 1 {
		t.Fatalf("got %d bytes, version %d", len(mac), mac[0])
	}
	after := &Service{Keys: keyring(t, two+","+one)}
	gone := &Service{Keys: keyring(t, two)}
	tests := []struct {
		name    string
		service *Service
		id      id.ID
		code    string
		mac     []byte
		want    bool
	}{
		{"right", before, challenge, "123456", mac, true},
		{"after a rotation", after, challenge, "123456", mac, true},
		{"key is gone", gone, challenge, "123456", mac, false},
		{"wrong code", before, challenge, "123457", mac, false},
		{"other challenge", before, other, "123456", mac, false},
		{"no code was sent", before, challenge, "123456", nil, false},
		{"version alone", before, challenge, "123456", mac[:1], false},
		{"version of no key", before, challenge, "123456", append([]byte{0}, mac[1:]...), false},
		{"cut short", before, challenge, "123456", mac[:32], false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := test.service.codeIs(test.id, test.code, test.mac); got != test.want {
				t.Errorf("got %t, want %t", got, test.want)
			}
		})
	}
}
