package postgres

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"gorm.io/gorm"

	"mcpauth.example/internal/mail"
	"mcpauth.example/internal/secret"
)

// queue enqueues background work in the transaction that causes it: a job exists exactly if its cause does.
type queue struct {
	client *river.Client[*sql.Tx]
	keys   *secret.Keyring
}

// newQueue makes a client that only inserts; Store.Work works.
func newQueue(s *Store) (*queue, error) {
	client, err := river.NewClient(riverdatabasesql.New(s.sql), &river.Config{Logger: s.log})
	if err != nil {
		return nil, fmt.Errorf("job queue: %w", err)
	}
	return &queue{client: client, keys: s.keys}, nil
}

// insert adds a job to gorm's transaction.
func (q *queue) insert(tx *gorm.DB, args river.JobArgs) error {
	inner, ok := tx.Statement.ConnPool.(*sql.Tx)
	if !ok {
		return errors.New("job queue: expected a transaction")
	}
	if _, err := q.client.InsertTx(ctxOf(tx), inner, args, nil); err != nil {
		return fmt.Errorf("enqueue %s: %w", args.Kind(), err)
	}
	return nil
}

func ctxOf(tx *gorm.DB) context.Context { return tx.Statement.Context }

// mailPurpose separates queued mail from everything else that is sealed.
const mailPurpose = "queued-mail"

// mailArgs is all that the database knows of a queued message: who reads it finds neither the address nor the code.
type mailArgs struct {
	Sealed []byte `json:"sealed"`
}

func (mailArgs) Kind() string { return "mail" }

// InsertOpts: with the pauses of retryAfter the last attempt comes six minutes after the first, while a code is still good.
func (mailArgs) InsertOpts() river.InsertOpts { return river.InsertOpts{MaxAttempts: 10} }

// enqueueMail seals a message into a job. A message that could never be sent is refused here, where its cause can still be undone.
func (q *queue) enqueueMail(tx *gorm.DB, message mail.Message) error {
	if err := message.Validate(); err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	plain, err := json.Marshal(message)
	if err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	return q.insert(tx, mailArgs{Sealed: q.keys.Seal(mailPurpose, plain, nil)})
}

// openMail reverses the sealing.
func (q *queue) openMail(args mailArgs) (mail.Message, error) {
	var out mail.Message
	plain, err := q.keys.Open(mailPurpose, args.Sealed, nil)
	if err != nil {
		return mail.Message{}, err
	}
	if json.Unmarshal(plain, &out) != nil {
		return mail.Message{}, errors.New("sealed mail: expected a message") // the cause would quote it
	}
	return out, nil
}
