package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/mcpauth/mcpauth/internal/secret"
)

// projectsChannel carries the id of a project that changed.
const projectsChannel = "mcpauth_projects"

// Listen keeps the memory current until ctx ends. After a lost connection everything is asked for again, because a notification may
// have been missed.
func (r *Issuers) Listen(ctx context.Context) error {
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		err := r.listen(ctx, func() { wait = 100 * time.Millisecond })
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the end that was asked for
		}
		r.log.WarnContext(ctx, "connection for notifications lost", "error", err)
		r.forget(secret.ID{})
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

func (r *Issuers) listen(ctx context.Context, connected func()) error {
	conn, err := pgx.Connect(ctx, r.store.directURL)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if _, err := conn.Exec(ctx, "LISTEN "+projectsChannel); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	connected()
	r.forget(secret.ID{})
	for {
		notification, err := conn.WaitForNotification(ctx)
		if err != nil {
			return fmt.Errorf("wait for notification: %w", err)
		}
		project, err := secret.ParseID(notification.Payload)
		if err != nil {
			project = secret.ID{}
		}
		r.forget(project)
	}
}
