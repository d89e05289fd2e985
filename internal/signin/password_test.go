package signin

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// quick makes hashes in microseconds; what is tested with it does not depend on the cost.
func quick(slots, waiting int) *Passwords {
	return newPasswords(parameters{memory: 64, passes: 1, lanes: 1}, slots, waiting)
}

func TestDefaultsMeetTheFloor(t *testing.T) {
	t.Parallel()
	p := NewPasswords().parameters
	if p.memory < 19*1024 || p.passes < 2 || p.lanes < 1 {
		t.Errorf("below 19 MiB, t=2, p=1: %+v", p)
	}
	hash, err := NewPasswords().Hash(t.Context(), "correct horse")
	if err != nil || !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("got %q, %v", hash, err)
	}
}

// Catalogue 107 and 108: long ones are fine and every byte of them counts; no folding, no trimming.
func TestVerifyHash(t *testing.T) {
	t.Parallel()
	long := "violet kettle orbit " + strings.Repeat("0123456789", 98)
	musical := "violet kettle orbit " + strings.Repeat("𝄞", 980)
	tests := []struct {
		name, set, typed string
		want             bool
	}{
		{"right", "correct horse", "correct horse", true},
		{"wrong", "correct horse", "correct house", false},
		{"other case", "correct horse", "Correct horse", false},
		{"trailing space", "correct horse", "correct horse ", false},
		{"73rd byte differs (bcrypt's limit)", long[:72] + "b", long[:72] + "c", false},
		{"1000 characters", long, long, true},
		{"last of 1000 differs", long, long[:999] + "x", false},
		{"1000 characters of four bytes", musical, musical, true},
		{"NUL does not end it", "correct\x00horse", "correct\x00house", false},
		{"a megabyte", "correct horse", strings.Repeat("a", 1<<20), false},
		{"empty", "correct horse", "", false},
	}
	p := quick(2, 100)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			hash, err := p.Hash(t.Context(), test.set)
			if err != nil {
				t.Fatal(err)
			}
			ok, rehash, err := p.Verify(t.Context(), hash, test.typed)
			if err != nil || ok != test.want || rehash {
				t.Errorf("got %t, %t, %v, want %t", ok, rehash, err, test.want)
			}
		})
	}
}

// Catalogue 109: the most used passwords are refused, however they are dressed up.
func TestGuessablePasswords(t *testing.T) {
	t.Parallel()
	for _, password := range []string{"1234567890", "password123", "Password1!", "P@ssw0rd123", "qwertyuiop", "iloveyou123", "letmein2024", "aaaaaaaaaa",
		strings.Repeat("password", 100)} {
		var field FieldError
		if err := CheckPassword(password); !errors.As(err, &field) || !strings.Contains(field.Message, "harder to guess") {
			t.Errorf("%s: %v", password, err)
		}
	}
	for _, password := range []string{"correct horse battery", "Sommer-am-Meer-27", "日本語の長い合言葉です"} {
		if err := CheckPassword(password); err != nil {
			t.Errorf("%s: %v", password, err)
		}
	}
}

func TestCheckPassword(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, password string
		ok             bool
	}{
		{"ten", "fj4kd0s-qz", true},
		{"nine", "fj4kd0s-q", false},
		{"ten code points", "ééééééééée", true},
		{"nine code points of more bytes", "éàüñçøåßð", false},
		{"thousand", "violet kettle orbit " + strings.Repeat("é", 980), true},
		{"thousand and one", "violet kettle orbit " + strings.Repeat("é", 981), false},
		{"empty", "", false},
		{"invalid UTF-8", "violet kettle orbit\xff", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			err := CheckPassword(test.password)
			var field FieldError
			if (err == nil) != test.ok || (err != nil && (!errors.As(err, &field) || field.Field != "password")) {
				t.Errorf("got %v", err)
			}
			if _, hashErr := quick(1, 1).Hash(t.Context(), test.password); (hashErr == nil) != test.ok {
				t.Errorf("Hash does not apply the rule: %v", hashErr)
			}
		})
	}
}

func TestRehash(t *testing.T) {
	t.Parallel()
	hash, err := quick(1, 1).Hash(t.Context(), "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	stronger := newPasswords(parameters{memory: 128, passes: 1, lanes: 1}, 1, 1)
	if ok, rehash, err := stronger.Verify(t.Context(), hash, "correct horse"); !ok || !rehash || err != nil {
		t.Errorf("right password: %t, %t, %v", ok, rehash, err)
	}
	if ok, rehash, err := stronger.Verify(t.Context(), hash, "wrong password"); ok || rehash || err != nil {
		t.Errorf("wrong password: %t, %t, %v", ok, rehash, err)
	}
}

// Catalogue 105: where there is no hash, the work is done on one that nothing matches.
func TestVerifyWithoutHash(t *testing.T) {
	t.Parallel()
	p := NewPasswords()
	if decoy, err := parsePHC(p.decoy); err != nil || decoy.parameters != p.parameters {
		t.Fatalf("the decoy costs something else: %v, %v", decoy.parameters, err)
	}
	if ok, rehash, err := p.Verify(t.Context(), "", "correct horse"); ok || rehash || err != nil {
		t.Errorf("got %t, %t, %v", ok, rehash, err)
	}
	// The work is real: it needs a slot like any other.
	busy := quick(1, 0)
	busy.running <- struct{}{}
	if _, _, err := busy.Verify(t.Context(), "", "correct horse"); !errors.Is(err, ErrBusy) {
		t.Errorf("unknown address: got %v, want ErrBusy", err)
	}
	if _, _, err := busy.Verify(t.Context(), "", "short"); !errors.Is(err, ErrBusy) {
		t.Errorf("unknown address and impossible password: got %v, want ErrBusy", err)
	}
}

// Catalogue 107: no more at once than there are slots, no more waiting than allowed.
func TestConcurrencyIsBounded(t *testing.T) {
	t.Parallel()
	p := quick(1, 1)
	p.running <- struct{}{} // the only slot is taken
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	waiter := make(chan error, 1)
	go func() {
		_, err := p.Hash(ctx, "correct horse")
		waiter <- err
	}()
	for p.waiting.Load() != 1 {
		select {
		case err := <-waiter:
			t.Fatalf("did not wait: %v", err)
		default:
			runtime.Gosched()
		}
	}
	if _, err := p.Hash(t.Context(), "correct horse"); !errors.Is(err, ErrBusy) {
		t.Errorf("queue is full: got %v, want ErrBusy", err)
	}
	cancel()
	if err := <-waiter; !errors.Is(err, context.Canceled) {
		t.Errorf("waiting respects the context: got %v", err)
	}
	<-p.running
	if p.waiting.Load() != 0 {
		t.Errorf("%d still counted as waiting", p.waiting.Load())
	}
	if _, err := p.Hash(t.Context(), "correct horse"); err != nil {
		t.Errorf("after the rush: %v", err)
	}
	if _, err := p.Hash(ctx, "correct horse"); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled before it began: got %v", err)
	}
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	p := quick(2, 100)
	hash, err := p.Hash(t.Context(), "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			if ok, _, err := p.Verify(t.Context(), hash, "correct horse"); !ok || err != nil {
				t.Errorf("got %t, %v", ok, err)
			}
		})
	}
	group.Wait()
}

func TestParsePHC(t *testing.T) {
	t.Parallel()
	good := "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	if h, err := parsePHC(good); err != nil || h.String() != good {
		t.Fatalf("got %v, %v", h, err)
	}
	tests := map[string][2]string{
		"argon2i":            {"argon2id", "argon2i"},
		"old version":        {"v=19", "v=16"},
		"no memory":          {"m=19456", "m=0"},
		"exhausting memory":  {"m=19456", "m=4194304"},
		"exhausting passes":  {"t=2", "t=1000000"},
		"no lane":            {"p=1", "p=0"},
		"too many lanes":     {"p=1", "p=255"},
		"leading zero":       {"t=2", "t=02"},
		"sign":               {"t=2", "t=+2"},
		"other order":        {"m=19456,t=2", "t=2,m=19456"},
		"missing field":      {",p=1", ""},
		"short salt":         {"$AAAAAAAAAAAAAAAAAAAAAA$", "$AAAA$"},
		"padding":            {"AAAAAAAAAAA$", "AAAAAAAAAAA==$"},
		"empty key":          {"$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "$"},
		"something appended": {"p=1", "p=1$x"},
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bad := strings.Replace(good, change[0], change[1], 1)
			if bad == good {
				t.Fatal("nothing was changed")
			}
			if _, err := parsePHC(bad); err == nil {
				t.Errorf("accepted %s", bad)
			}
			if ok, _, err := quick(1, 1).Verify(t.Context(), bad, "correct horse"); ok || err == nil || strings.Contains(err.Error(), "AAAA") {
				t.Errorf("Verify: %t, %v", ok, err)
			}
		})
	}
}
