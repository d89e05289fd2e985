package postgres

import (
	"context"
	"errors"
	"log/slog"
)

// stoppingLog passes on what River logs, and says INFO where River says ERROR about a call that only failed because the service making
// it was ended: when a process stops, or another one becomes the leader. What was cut short is done by the next leader.
type stoppingLog struct{ slog.Handler }

// Handle lowers the level of an error whose context was canceled. A panic is no such error, whenever it happens.
func (h stoppingLog) Handle(ctx context.Context, record slog.Record) error {
	if record.Level >= slog.LevelError && errors.Is(ctx.Err(), context.Canceled) && tellsError(record) {
		record.Level = slog.LevelInfo
		if !h.Enabled(ctx, record.Level) {
			return nil
		}
	}
	return h.Handler.Handle(ctx, record)
}

// WithAttrs returns this handler with more attributes.
func (h stoppingLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	return stoppingLog{h.Handler.WithAttrs(attrs)}
}

// WithGroup returns this handler with a group begun.
func (h stoppingLog) WithGroup(name string) slog.Handler {
	return stoppingLog{h.Handler.WithGroup(name)}
}

// tellsError reports whether a record of River is about an error that a call returned.
func tellsError(record slog.Record) bool {
	found := false
	record.Attrs(func(a slog.Attr) bool {
		found = a.Key == "error" || a.Key == "err"
		return !found
	})
	return found
}
