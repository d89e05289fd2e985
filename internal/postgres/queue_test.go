package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mcpauth.example/internal/mail"
	"mcpauth.example/internal/mail/catcher"
	"mcpauth.example/internal/postgres"
	"mcpauth.example/internal/secret"
	"mcpauth.example/internal/signin"
)

// lockedBuffer is a log that several goroutines write.
type lockedBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}

// work runs a worker node until the test ends or stop is called, and returns what it logs.
func (r *accountsRig) work(sender postgres.MailSender, options ...postgres.WorkOption) (log *lockedBuffer, stop func()) {
	r.t.Helper()
	log = &lockedBuffer{}
	store := r.open(slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	ctx, cancel := context.WithCancel(r.t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- store.Work(ctx, sender, append(options, postgres.PollEvery(10*time.Millisecond),
			postgres.RetryAfter(func(int) time.Duration { return 10 * time.Millisecond }))...)
	}()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-ended; err != nil {
				r.t.Errorf("worker: %v", err)
			}
		})
	}
	r.t.Cleanup(stop)
	return log, stop
}

func (r *accountsRig) smtp() (*catcher.Catcher, *mail.Sender) {
	r.t.Helper()
	c, err := catcher.Start("127.0.0.1:0")
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = c.Close() })
	sender, err := mail.NewSender(c.URL(), "no-reply@mcpauth.example")
	if err != nil {
		r.t.Fatal(err)
	}
	return c, sender
}

// await waits until the only job is in a state.
func (r *accountsRig) await(state string) {
	r.t.Helper()
	ctx := within(r.t, time.Minute)
	for {
		var reached bool
		if err := r.super.QueryRow(ctx, "SELECT EXISTS (SELECT FROM river_job WHERE state = $1::river_job_state)", state).Scan(&reached); err != nil {
			r.t.Fatalf("waiting for %s: %v; jobs: %s", state, err, r.texts("SELECT row_to_json(j)::text FROM river_job j"))
		}
		if reached {
			return
		}
	}
}

func to(address string) func(catcher.Message) bool {
	return func(m catcher.Message) bool { return m.To == address }
}

// The whole way: the form, the queue, the mail, the code in it, the account.
func TestCodeArrivesByMail(t *testing.T) {
	t.Parallel()
	kinds(t, func(t *testing.T, r *accountsRig, accounts signin.Accounts, _ string) {
		c, sender := r.smtp()
		r.work(sender)
		id, _ := r.begin(accounts, "Ada@Example.com")
		m, err := c.Wait(within(t, time.Minute), to("ada@example.com"))
		if err != nil {
			t.Fatal(err)
		}
		code := regexp.MustCompile(`\b[0-9]{6}\b`).FindString(m.Text)
		account, err := r.service.FinishSignUp(t.Context(), accounts, id, code, someBrowser)
		if err != nil || account.Email != "ada@example.com" {
			t.Fatalf("got %+v, %v", account, err)
		}
		r.await("completed")
	})
}

func TestRefusedForTheMomentIsDelivered(t *testing.T) {
	t.Parallel()
	r := newAccountsRig(t)
	c, sender := r.smtp()
	c.RefuseNext(450, 421, 451)
	log, stop := r.work(sender)
	r.begin(r.users, "ada@example.com")
	if _, err := c.Wait(within(t, time.Minute), to("ada@example.com")); err != nil {
		t.Fatal(err)
	}
	r.await("completed")
	stop()
	if n := len(c.Messages()); n != 1 || c.Refused() != 3 {
		t.Errorf("%d delivered, %d refused", n, c.Refused())
	}
	shown := log.String() + strings.Join(r.texts("SELECT coalesce(errors::text, '') FROM river_job"), "")
	if !strings.Contains(shown, "450") || strings.Contains(shown, "ada@example.com") {
		t.Errorf("log and row show %s", shown)
	}
}

func TestRefusedForGoodIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	r := newAccountsRig(t)
	c, sender := r.smtp()
	c.RefuseNext(550)
	log, stop := r.work(sender)
	r.begin(r.users, "ada@example.com")
	r.await("cancelled")
	// The one behind it is delivered: the queue went on, and had the time for another try.
	r.begin(r.users, "bob@example.com")
	if _, err := c.Wait(within(t, time.Minute), to("bob@example.com")); err != nil {
		t.Fatal(err)
	}
	stop()
	if len(c.Messages()) != 1 || c.Refused() != 1 {
		t.Errorf("%d delivered, %d refused", len(c.Messages()), c.Refused())
	}
	shown := log.String() + strings.Join(r.texts("SELECT coalesce(errors::text, '') FROM river_job"), "")
	if !strings.Contains(shown, "550") || strings.Contains(shown, "ada@example.com") {
		t.Errorf("log and row show %s", shown)
	}
	if n := r.count("SELECT attempt FROM river_job WHERE state = 'cancelled'"); n != 1 {
		t.Errorf("%d attempts", n)
	}
}

// sendFunc is a mail server that the test plays.
type sendFunc func(ctx context.Context, m mail.Message) error

func (f sendFunc) Send(ctx context.Context, m mail.Message) error { return f(ctx, m) }

// A job whose cause was rolled back never existed.
func TestRolledBackJobIsNotDone(t *testing.T) {
	t.Parallel()
	r := newAccountsRig(t)
	c, sender := r.smtp()
	r.work(sender)
	r.exec(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$`)
	r.exec("CREATE CONSTRAINT TRIGGER last AFTER INSERT ON user_challenges DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse()")
	if _, _, _, err := r.tryBegin(r.users, "ada@example.com"); err == nil {
		t.Fatal("expected an error")
	}
	r.exec("DROP TRIGGER last ON user_challenges")
	r.begin(r.users, "bob@example.com")
	if _, err := c.Wait(within(t, time.Minute), to("bob@example.com")); err != nil {
		t.Fatal(err)
	}
	if n := len(c.Messages()); n != 1 {
		t.Errorf("%d messages", n)
	}
	if n := r.count("SELECT count(*) FROM river_job"); n != 1 {
		t.Errorf("%d jobs", n)
	}
}

// Work that was begun is finished when the process is asked to end, and what was not begun stays queued.
func TestWorkEndsGently(t *testing.T) {
	t.Parallel()
	r := newAccountsRig(t)
	begun, finish := make(chan struct{}), make(chan struct{})
	var sent atomic.Int64
	_, stop := r.work(sendFunc(func(ctx context.Context, _ mail.Message) error {
		if sent.Add(1) == 1 {
			close(begun)
		}
		select {
		case <-finish:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}))
	r.begin(r.users, "ada@example.com")
	<-begun
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		stop()
	}()
	close(finish)
	<-stopped
	if n := r.count("SELECT count(*) FROM river_job WHERE state = 'completed'"); n != 1 {
		t.Errorf("%d completed", n)
	}
	r.begin(r.users, "bob@example.com")
	if n := r.count("SELECT count(*) FROM river_job WHERE state = 'available'"); n != 1 || sent.Load() != 1 {
		t.Errorf("%d waiting, %d sent", n, sent.Load())
	}
}

// A process may be asked to end while it enqueues what is due: nothing is wrong then, and the log says so.
func TestWorkEndsWhileEnqueuing(t *testing.T) {
	t.Parallel()
	r := newAccountsRig(t)
	r.exec("CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NEW; END $$")
	r.exec("CREATE TRIGGER wait BEFORE INSERT ON river_job FOR EACH ROW EXECUTE FUNCTION wait()")
	tx, err := r.super.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(t.Context()) }()
	if _, err := tx.Exec(t.Context(), "SELECT pg_advisory_xact_lock(1)"); err != nil {
		t.Fatal(err)
	}
	log, stop := r.work(sendFunc(func(context.Context, mail.Message) error { return nil }),
		postgres.ReconcileBilling(func(context.Context) error { return nil }))
	ctx := within(t, time.Minute)
	for waiting := false; !waiting; {
		const query = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND locktype = 'advisory')"
		if err := r.super.QueryRow(ctx, query).Scan(&waiting); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	if shown := log.String(); !strings.Contains(shown, "Error inserting periodic jobs") || strings.Contains(shown, "level=ERROR") {
		t.Errorf("the log shows %s", shown)
	}
}

// Two nodes share the work: each message goes out once.
func TestTwoWorkersSendOnce(t *testing.T) {
	t.Parallel()
	r := newAccountsRig(t)
	c, sender := r.smtp()
	r.work(sender)
	r.work(sender)
	addresses := []string{"a@example.com", "b@example.com", "c@example.com", "d@example.com", "e@example.com", "f@example.com"}
	for _, address := range addresses {
		r.begin(r.users, address)
	}
	for _, address := range addresses {
		if _, err := c.Wait(within(t, time.Minute), to(address)); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(c.Messages()); n != len(addresses) {
		t.Errorf("%d messages", n)
	}
}

// A message that cannot be opened, or an error that could quote it, ends without being shown.
func TestQueueKeepsQuiet(t *testing.T) {
	t.Parallel()
	t.Run("sealed with a lost key", func(t *testing.T) {
		t.Parallel()
		r := newAccountsRig(t)
		r.begin(r.users, "ada@example.com")
		lost := *r
		keys, err := secret.ParseKeyring(secret.NewKeyringText())
		if err != nil {
			t.Fatal(err)
		}
		lost.keys = keys
		var sent atomic.Int64
		lost.work(sendFunc(func(context.Context, mail.Message) error {
			sent.Add(1)
			return nil
		}))
		r.await("cancelled")
		if sent.Load() != 0 {
			t.Error("something was sent")
		}
	})
	t.Run("error that quotes the message", func(t *testing.T) {
		t.Parallel()
		r := newAccountsRig(t)
		var tries atomic.Int64
		log, stop := r.work(sendFunc(func(_ context.Context, m mail.Message) error {
			if tries.Add(1) < 3 {
				return errors.New("could not send to " + m.To + ": " + m.Text)
			}
			return nil
		}))
		_, code := r.begin(r.users, "ada@example.com")
		r.await("completed")
		stop()
		shown := log.String() + strings.Join(r.texts("SELECT row_to_json(j)::text FROM river_job j"), "")
		if strings.Contains(shown, "ada@example.com") || strings.Contains(shown, "Your code is "+code) {
			t.Errorf("shows %s", shown)
		}
	})
	t.Run("given up after the last attempt", func(t *testing.T) {
		t.Parallel()
		r := newAccountsRig(t)
		log, stop := r.work(sendFunc(func(context.Context, mail.Message) error { return &mail.SendError{Stage: "connect"} }))
		r.begin(r.users, "ada@example.com")
		r.await("discarded")
		stop()
		if n := r.count("SELECT attempt FROM river_job"); n != 10 {
			t.Errorf("%d attempts", n)
		}
		if !strings.Contains(log.String(), "mail given up") {
			t.Error("nothing in the log")
		}
	})
}
