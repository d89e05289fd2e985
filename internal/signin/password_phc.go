package signin

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
)

const (
	saltSize = 16 // bytes
	keySize  = 32 // bytes
)

// Bounds of what a stored hash may ask for, so that a damaged or foreign one cannot exhaust the server.
const (
	maxMemory = 256 * 1024 // KiB
	maxPasses = 20
	maxLanes  = 16
)

var errPHC = errors.New("stored password hash: expected $argon2id$v=19$m=…,t=…,p=…$salt$key")

type parameters struct {
	memory uint32 // KiB
	passes uint32
	lanes  uint8
}

// phc is a stored hash in the PHC string format.
type phc struct {
	parameters

	salt, key []byte
}

func (h phc) String() string {
	encode := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.memory, h.passes, h.lanes, encode(h.salt), encode(h.key))
}

// parsePHC reads what String writes and nothing else. The error never quotes the hash.
func parsePHC(s string) (phc, error) {
	fields := strings.Split(s, "$")
	if len(fields) != 6 || fields[0] != "" || fields[1] != "argon2id" || fields[2] != "v="+strconv.Itoa(argon2.Version) {
		return phc{}, errPHC
	}
	settings := strings.Split(fields[3], ",")
	if len(settings) != 3 {
		return phc{}, errPHC
	}
	var numbers [3]uint64
	for i, bound := range []struct {
		name string
		max  uint64
	}{{"m=", maxMemory}, {"t=", maxPasses}, {"p=", maxLanes}} {
		digits, found := strings.CutPrefix(settings[i], bound.name)
		n, err := strconv.ParseUint(digits, 10, 32)
		if !found || err != nil || n == 0 || n > bound.max || digits != strconv.FormatUint(n, 10) {
			return phc{}, errPHC
		}
		numbers[i] = n
	}
	encoding := base64.RawStdEncoding.Strict()
	salt, saltErr := encoding.DecodeString(fields[4])
	key, keyErr := encoding.DecodeString(fields[5])
	if saltErr != nil || keyErr != nil || len(salt) < 8 || len(salt) > 64 || len(key) != keySize {
		return phc{}, errPHC
	}
	return phc{
		parameters: parameters{memory: uint32(numbers[0]), passes: uint32(numbers[1]), lanes: uint8(numbers[2])}, //nolint:gosec // bounded above
		salt:       salt, key: key,
	}, nil
}
