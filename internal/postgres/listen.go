package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"mcpauth.example/internal/id"
)

// projectsChannel carries the id of a project that changed.
const projectsChannel = "mcpauth_projects"

// Listen keeps what is known from memory current until ctx ends, over one connection: the settings of projects, and the feed of
// revocations. After a lost connection everything is asked for again, because a notification may have been missed.
func (s *Store) Listen(ctx context.Context, issuers *Issuers, feed *Feed) error {
	told := map[string]func(id.ID){projectsChannel: issuers.forget, revocationsChannel: feed.Wake}
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		err := s.listen(ctx, told, func() { wait = 100 * time.Millisecond })
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the end that was asked for
		}
		s.log.WarnContext(ctx, "connection for notifications lost", "error", err)
		issuers.forget(id.ID{})
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

func (s *Store) listen(ctx context.Context, told map[string]func(id.ID), connected func()) error {
	conn, err := pgx.Connect(ctx, s.directURL)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	for channel := range told {
		if _, err := conn.Exec(ctx, "LISTEN "+channel); err != nil {
			return fmt.Errorf("listen: %w", err)
		}
	}
	connected()
	for _, tell := range told {
		tell(id.ID{})
	}
	for {
		notification, err := conn.WaitForNotification(ctx)
		if err != nil {
			return fmt.Errorf("wait for notification: %w", err)
		}
		project, err := id.Parse(notification.Payload)
		if err != nil {
			project = id.ID{}
		}
		if tell := told[notification.Channel]; tell != nil {
			tell(project)
		}
	}
}
