package postgres_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/crypto/argon2"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/mail"
	"mcpauth.example/internal/secret"
	"mcpauth.example/internal/signin"
)

var someMail = mail.Message{To: "ada@example.com", Subject: "Your code", Text: "123456"}

// weakKey is the key of goodPassword under 16 zero bytes of salt and old parameters.
func weakKey(t *testing.T) string {
	t.Helper()
	return base64.RawStdEncoding.EncodeToString(argon2.IDKey([]byte(goodPassword), make([]byte, 16), 1, 64, 1, 32))
}

// Catalogue 110: fifty at once with the right code give one account.
func TestParallelFinishMakesOneAccount(t *testing.T) {
	t.Parallel()
	kinds(t, func(t *testing.T, r *accountsRig, accounts signin.Accounts, table string) {
		id, code := r.begin(accounts, "ada@example.com")
		var made, refused atomic.Int64
		var group sync.WaitGroup
		ready := make(chan struct{})
		for range 50 {
			group.Go(func() {
				<-ready
				_, err := r.service.FinishSignUp(t.Context(), accounts, id, code, someBrowser)
				switch {
				case err == nil:
					made.Add(1)
				case errors.Is(err, signin.ErrCode):
					refused.Add(1)
				default:
					t.Errorf("got %v", err)
				}
			})
		}
		close(ready)
		group.Wait()
		if made.Load() != 1 || refused.Load() != 49 {
			t.Errorf("%d succeeded, %d refused", made.Load(), refused.Load())
		}
		if n := r.count("SELECT count(*) FROM " + table + "s"); n != 1 {
			t.Errorf("%d accounts", n)
		}
	})
}

// Two challenges for one address, both with their right code: the second finds the account made.
func TestSecondChallengeConflicts(t *testing.T) {
	t.Parallel()
	kinds(t, func(t *testing.T, r *accountsRig, accounts signin.Accounts, table string) {
		first, firstCode := r.begin(accounts, "ada@example.com")
		second, secondCode := r.begin(accounts, "ada@example.com")
		_, err := r.service.FinishSignUp(t.Context(), accounts, first, secondCode, someBrowser)
		if firstCode != secondCode { // once in a million they are the same
			wantError(t, err, signin.ErrCode)
			if _, err := r.service.FinishSignUp(t.Context(), accounts, first, firstCode, someBrowser); err != nil {
				t.Fatal(err)
			}
		}
		_, err = r.service.FinishSignUp(t.Context(), accounts, second, secondCode, someBrowser)
		wantError(t, err, signin.ErrConflict)
		if n := r.count("SELECT count(*) FROM " + table + "s"); n != 1 {
			t.Errorf("%d accounts", n)
		}
	})
}

// Catalogue 128: five wrong codes use a challenge up; the right one comes too late, also in parallel.
func TestAttemptsAreUsedUp(t *testing.T) {
	t.Parallel()
	kinds(t, func(t *testing.T, r *accountsRig, accounts signin.Accounts, table string) {
		id, code := r.begin(accounts, "ada@example.com")
		for i := range signin.MaxAttempts {
			_, err := r.service.FinishSignUp(t.Context(), accounts, id, wrong(code), someBrowser)
			wantError(t, err, signin.ErrCode)
			if n := r.count("SELECT attempts FROM "+table+"_challenges WHERE id = $1", id.String()); n != i+1 {
				t.Fatalf("%d attempts counted after %d", n, i+1)
			}
		}
		_, err := r.service.FinishSignUp(t.Context(), accounts, id, code, someBrowser)
		wantError(t, err, signin.ErrCode)

		// Four wrong ones leave the fifth; what is not a code at all costs nothing.
		id, code = r.begin(accounts, "bob@example.com")
		for range signin.MaxAttempts - 1 {
			_, err := r.service.FinishSignUp(t.Context(), accounts, id, wrong(code), someBrowser)
			wantError(t, err, signin.ErrCode)
		}
		for _, typed := range []string{"", "12345", "1234567", "12345a", "１２３４５６"} {
			_, err := r.service.FinishSignUp(t.Context(), accounts, id, typed, someBrowser)
			var field signin.FieldError
			if !errors.As(err, &field) || field.Field != "code" {
				t.Errorf("%q: got %v", typed, err)
			}
		}
		if _, err := r.service.FinishSignUp(t.Context(), accounts, id, " "+code[:3]+" "+code[3:], someBrowser); err != nil {
			t.Errorf("fifth attempt: %v", err)
		}
	})
}

// Guessing in parallel gets no more tries than guessing in turn.
func TestParallelGuessing(t *testing.T) {
	t.Parallel()
	kinds(t, func(t *testing.T, r *accountsRig, accounts signin.Accounts, _ string) {
		id, _ := r.begin(accounts, "ada@example.com")
		var asked atomic.Int64
		var group sync.WaitGroup
		for range 50 {
			group.Go(func() {
				_, err := accounts.FinishChallenge(t.Context(), id, secret.Hash(someBrowser), func([]byte) bool {
					return asked.Add(1) > signin.MaxAttempts // a guess that is right too late
				})
				if err != nil && !errors.Is(err, signin.ErrCode) {
					t.Errorf("got %v", err)
				}
			})
		}
		group.Wait()
		_, err := accounts.FinishChallenge(t.Context(), id, secret.Hash(someBrowser), func([]byte) bool { return true })
		wantError(t, err, signin.ErrCode)
	})
}

// Catalogue 113: ten minutes by the database's clock.
func TestChallengeExpires(t *testing.T) {
	t.Parallel()
	kinds(t, func(t *testing.T, r *accountsRig, accounts signin.Accounts, table string) {
		id, code := r.begin(accounts, "ada@example.com")
		if n := r.count("SELECT extract(epoch FROM expires_at - created_at)::int FROM " + table + "_challenges"); n != 600 {
			t.Errorf("lives %d seconds", n)
		}
		r.exec("UPDATE " + table + "_challenges SET expires_at = now() - interval '1 second'")
		_, err := r.service.FinishSignUp(t.Context(), accounts, id, code, someBrowser)
		wantError(t, err, signin.ErrCode)
		if n := r.count("SELECT count(*) FROM " + table + "s"); n != 0 {
			t.Errorf("%d accounts", n)
		}
	})
}

// Catalogue 112: the code works in the browser that asked for it, and another browser cannot use up its attempts.
func TestChallengeInOtherBrowser(t *testing.T) {
	t.Parallel()
	kinds(t, func(t *testing.T, r *accountsRig, accounts signin.Accounts, table string) {
		challenge, code := r.begin(accounts, "ada@example.com")
		for _, browser := range []string{"", "another browser's cookie of 128 bits"} {
			_, err := r.service.FinishSignUp(t.Context(), accounts, challenge, code, browser)
			wantError(t, err, signin.ErrNotFound)
		}
		_, err := r.service.FinishSignUp(t.Context(), accounts, id.New(), code, someBrowser)
		wantError(t, err, signin.ErrNotFound)
		if n := r.count("SELECT attempts FROM " + table + "_challenges"); n != 0 {
			t.Errorf("%d attempts counted", n)
		}
		if _, err := r.service.FinishSignUp(t.Context(), accounts, challenge, code, someBrowser); err != nil {
			t.Error(err)
		}
	})
}

// A challenge that was not made for a sign-up never makes an account.
func TestChallengeOfOtherPurpose(t *testing.T) {
	t.Parallel()
	kinds(t, func(t *testing.T, r *accountsRig, accounts signin.Accounts, table string) {
		id, code := r.begin(accounts, "ada@example.com")
		r.exec("UPDATE " + table + "_challenges SET purpose = 'reset'")
		_, err := r.service.FinishSignUp(t.Context(), accounts, id, code, someBrowser)
		wantError(t, err, signin.ErrNotFound)
	})
}

// Catalogue 105: a known address answers like an unknown one, to every question, and no code can be right.
func TestKnownAddressLooksLikeUnknown(t *testing.T) {
	t.Parallel()
	kinds(t, func(t *testing.T, r *accountsRig, accounts signin.Accounts, table string) {
		r.signUp(accounts, "ada@example.com")
		known, knownCode, isKnown, knownErr := r.tryBegin(accounts, "ADA@example.com")
		unknown, unknownCode, isUnknown, unknownErr := r.tryBegin(accounts, "bob@example.com")
		if knownErr != nil || unknownErr != nil || !isKnown || isUnknown {
			t.Fatalf("got %v and %v, known %t and %t", knownErr, unknownErr, isKnown, isUnknown)
		}
		if knownCode != "" || len(unknownCode) != 6 {
			t.Errorf("codes %q and %q", knownCode, unknownCode)
		}
		if n := r.count("SELECT count(*) FROM "+table+"_challenges WHERE id = $1 AND code_mac IS NULL AND password_hash IS NULL", known.String()); n != 1 {
			t.Error("the known address's challenge holds an answer")
		}
		// One more than the attempts, so that the used up ones compare as well.
		for i := range signin.MaxAttempts + 1 {
			_, first := r.service.FinishSignUp(t.Context(), accounts, known, "123456", someBrowser)
			_, second := r.service.FinishSignUp(t.Context(), accounts, unknown, wrong(unknownCode), someBrowser)
			if !errors.Is(first, signin.ErrCode) || first.Error() != second.Error() {
				t.Errorf("attempt %d: %v and %v", i+1, first, second)
			}
		}
		_, err := accounts.FinishChallenge(t.Context(), known, secret.Hash(someBrowser), func([]byte) bool { return true })
		wantError(t, err, signin.ErrCode)

		// Both run into the same cap (the first of ada's was her sign-up).
		for _, email := range []string{"ada@example.com", "bob@example.com"} {
			var sent int
			for range signin.MaxChallenges + 1 {
				if _, _, _, err = r.tryBegin(accounts, email); err == nil {
					sent++
				}
			}
			wantError(t, err, signin.ErrTooMany)
			if total := r.count("SELECT count(*) FROM "+table+"_challenges WHERE email = $1", email); total != signin.MaxChallenges {
				t.Errorf("%s: %d challenges", email, total)
			}
		}
		if _, err := r.service.SignIn(t.Context(), accounts, "ada@example.com", goodPassword); err != nil {
			t.Errorf("the account was touched: %v", err)
		}
	})
}

// Catalogue 115: the cap holds against requests that come at once, counts one hour, and one address only.
func TestChallengeCap(t *testing.T) {
	t.Parallel()
	kinds(t, func(t *testing.T, r *accountsRig, accounts signin.Accounts, table string) {
		var sent, refused atomic.Int64
		var group sync.WaitGroup
		try := func(email string) error {
			message := someMail
			message.To = email
			return accounts.CreateChallenge(t.Context(), signin.Challenge{
				ID: id.New(), Purpose: signin.PurposeSignUp, Email: email, BrowserHash: secret.Hash(someBrowser),
				Detail: "Acme", Lifetime: signin.CodeLifetime,
			}, message)
		}
		for range 30 {
			group.Go(func() {
				switch err := try("ada@example.com"); {
				case err == nil:
					sent.Add(1)
				case errors.Is(err, signin.ErrTooMany):
					refused.Add(1)
				default:
					t.Errorf("got %v", err)
				}
			})
		}
		group.Wait()
		if sent.Load() != signin.MaxChallenges || refused.Load() != 30-signin.MaxChallenges {
			t.Errorf("%d sent, %d refused", sent.Load(), refused.Load())
		}
		if n := r.count("SELECT count(*) FROM river_job"); n != signin.MaxChallenges {
			t.Errorf("%d messages queued", n)
		}
		if err := try("bob@example.com"); err != nil {
			t.Errorf("other address: %v", err)
		}
		r.exec("UPDATE " + table + "_challenges SET created_at = now() - interval '61 minutes', expires_at = now() - interval '51 minutes' WHERE email = 'ada@example.com'")
		if err := try("ada@example.com"); err != nil {
			t.Errorf("after an hour: %v", err)
		}
		if n := r.count("SELECT count(*) FROM " + table + "_challenges WHERE email = 'ada@example.com'"); n != 1 {
			t.Errorf("%d rows: the old ones pile up", n)
		}
	})
}

// A cause that is undone takes its message with it, and the other way round.
func TestChallengeAndMailTogether(t *testing.T) {
	t.Parallel()
	kinds(t, func(t *testing.T, r *accountsRig, accounts signin.Accounts, table string) {
		challenge := signin.Challenge{
			ID: id.New(), Purpose: signin.PurposeSignUp, Email: "ada@example.com", BrowserHash: secret.Hash(someBrowser),
			Detail: "Acme", Lifetime: signin.CodeLifetime,
		}
		rows := func() int {
			return r.count("SELECT count(*) FROM "+table+"_challenges") + r.count("SELECT count(*) FROM river_job")
		}
		bad := someMail
		bad.Subject = "Code\r\nBcc: eve@example.com" // catalogue 116
		if err := accounts.CreateChallenge(t.Context(), challenge, bad); err == nil || rows() != 0 {
			t.Errorf("bad message: %v, %d rows", err, rows())
		}
		r.exec("ALTER TABLE river_job ADD CONSTRAINT trouble CHECK (kind <> 'mail')")
		if err := accounts.CreateChallenge(t.Context(), challenge, someMail); err == nil || rows() != 0 {
			t.Errorf("the queue fails: %v, %d rows", err, rows())
		}
		r.exec("ALTER TABLE river_job DROP CONSTRAINT trouble")
		// The commit itself fails after the job was inserted: a deferred constraint decides last.
		r.exec(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$`)
		r.exec("CREATE CONSTRAINT TRIGGER last AFTER INSERT ON " + table + "_challenges DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse()")
		if err := accounts.CreateChallenge(t.Context(), challenge, someMail); err == nil || rows() != 0 {
			t.Errorf("the commit fails: %v, %d rows", err, rows())
		}
		r.exec("DROP TRIGGER last ON " + table + "_challenges")
		if err := accounts.CreateChallenge(t.Context(), challenge, someMail); err != nil || rows() != 2 {
			t.Errorf("at last: %v, %d rows", err, rows())
		}
	})
}

// The database shows neither address nor code nor password of what is on its way, beyond the challenge's own address.
func TestNothingReadableAtRest(t *testing.T) {
	t.Parallel()
	kinds(t, func(t *testing.T, r *accountsRig, accounts signin.Accounts, table string) {
		id, _ := r.begin(accounts, "ada@example.com")
		jobs := strings.Join(r.texts("SELECT row_to_json(j)::text FROM river_job j"), "\n")
		for _, shown := range []string{"ada@", "example.com", "Your code", base64.StdEncoding.EncodeToString([]byte("ada@example.com"))[:16]} {
			if strings.Contains(jobs, shown) {
				t.Errorf("the job shows %q: %s", shown, jobs)
			}
		}
		stored := r.texts("SELECT encode(code_mac, 'hex') FROM "+table+"_challenges WHERE id = $1", id.String())[0]
		if len(stored) != 2*33 {
			t.Errorf("code_mac is %s, want a version and a MAC", stored)
		}
		row := strings.Join(r.texts("SELECT row_to_json(c)::text FROM "+table+"_challenges c"), "")
		if strings.Contains(row, goodPassword) || strings.Contains(row, someBrowser) {
			t.Errorf("the challenge shows a secret: %s", row)
		}
	})
}
