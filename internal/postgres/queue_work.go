package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"

	"mcpauth.example/internal/mail"
)

// MailSender delivers a message. An error for which mail.IsPermanent holds is not tried again.
type MailSender interface {
	Send(ctx context.Context, message mail.Message) error
}

// WorkOption changes how Store.Work works.
type WorkOption func(*workSettings)

type workSettings struct {
	poll       time.Duration
	retryAfter func(attempt int) time.Duration
	keysEvery  time.Duration

	checkDomains func(context.Context) error
	passBilling  func(context.Context) error
}

// PollEvery sets how often the queue is asked for jobs; without it once a second.
func PollEvery(interval time.Duration) WorkOption {
	return func(w *workSettings) { w.poll = interval }
}

// RetryAfter sets the pause after the attempt with this number, counted from 1; without it attempt² seconds.
func RetryAfter(pause func(attempt int) time.Duration) WorkOption {
	return func(w *workSettings) { w.retryAfter = pause }
}

const (
	// jobTimeout bounds one attempt.
	jobTimeout = 40 * time.Second
	// rescueAfter is when an attempt counts as lost with its process and is made again.
	rescueAfter = 2 * time.Minute
	// stopTimeout is how long running jobs may go on after Work was asked to end.
	stopTimeout = 15 * time.Second
	// mailWorkers is how many messages are sent at once by one process.
	mailWorkers = 4
)

// Work does the queued jobs until the context ends, then lets running ones finish and returns nil. Any number of processes may work on
// one database. A job that fails for the moment is done again later; a message whose process was killed while sending is sent again.
func (s *Store) Work(ctx context.Context, sender MailSender, options ...WorkOption) error {
	settings := workSettings{
		poll:       time.Second,
		retryAfter: func(attempt int) time.Duration { return time.Duration(attempt*attempt) * time.Second },
	}
	for _, option := range options {
		option(&settings)
	}
	workers := river.NewWorkers()
	if err := river.AddWorkerSafely(workers, &mailWorker{queue: s.queue, sender: sender, log: s.log, retryAfter: settings.retryAfter}); err != nil {
		return fmt.Errorf("job queue: %w", err)
	}
	if err := river.AddWorkerSafely(workers, &sweepWorker{store: s}); err != nil {
		return fmt.Errorf("job queue: %w", err)
	}
	if err := river.AddWorkerSafely(workers, &keysWorker{store: s, every: settings.keysEvery}); err != nil {
		return fmt.Errorf("job queue: %w", err)
	}
	if err := river.AddWorkerSafely(workers, &domainsWorker{check: settings.checkDomains}); err != nil {
		return fmt.Errorf("job queue: %w", err)
	}
	if err := river.AddWorkerSafely(workers, &billingWorker{pass: settings.passBilling}); err != nil {
		return fmt.Errorf("job queue: %w", err)
	}
	periodic := []*river.PeriodicJob{
		river.NewPeriodicJob(river.PeriodicInterval(sweepEvery), newSweep, nil), river.NewPeriodicJob(river.PeriodicInterval(keysEvery), newKeysPass, nil),
	}
	if settings.checkDomains != nil {
		periodic = append(periodic, river.NewPeriodicJob(river.PeriodicInterval(domainsEvery), newDomainsPass, nil))
	}
	if settings.passBilling != nil {
		periodic = append(periodic, river.NewPeriodicJob(river.PeriodicInterval(billingEvery), newBillingPass, &river.PeriodicJobOpts{RunOnStart: true}))
	}
	client, err := river.NewClient(riverdatabasesql.New(s.sql), &river.Config{
		PeriodicJobs:      periodic,
		Logger:            slog.New(stoppingLog{s.log.Handler()}),
		Workers:           workers,
		Queues:            map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: mailWorkers}},
		PollOnly:          true, // LISTEN does not pass a pooler
		FetchPollInterval: settings.poll,
		FetchCooldown:     min(settings.poll, river.FetchCooldownDefault),
		JobTimeout:        jobTimeout, RescueStuckJobsAfter: rescueAfter,
		CompletedJobRetentionPeriod: time.Minute,
		CancelledJobRetentionPeriod: 24 * time.Hour, DiscardedJobRetentionPeriod: 24 * time.Hour,
		ReindexerIndexNames: []string{}, // only the owner may reindex
	})
	if err != nil {
		return fmt.Errorf("job queue: %w", err)
	}
	// Started apart from ctx, whose end would abort the jobs at once.
	if err := client.Start(context.WithoutCancel(ctx)); err != nil {
		return translate(fmt.Errorf("start job queue: %w", err))
	}
	<-ctx.Done()
	gentle, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if client.Stop(gentle) == nil {
		return nil
	}
	hard, cancelHard := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancelHard()
	if err := client.StopAndCancel(hard); err != nil {
		return fmt.Errorf("stop job queue: %w", err)
	}
	return nil
}

// mailWorker sends one queued message.
type mailWorker struct {
	river.WorkerDefaults[mailArgs]

	queue      *queue
	sender     MailSender
	log        *slog.Logger
	retryAfter func(attempt int) time.Duration
}

// NextRetry is when to try again after a failure for the moment.
func (w *mailWorker) NextRetry(job *river.Job[mailArgs]) time.Time {
	return time.Now().Add(w.retryAfter(job.Attempt))
}

// Work sends. The error it returns is stored in the job's row and logged, so it says nothing of the message.
func (w *mailWorker) Work(ctx context.Context, job *river.Job[mailArgs]) error {
	message, err := w.queue.openMail(job.Args)
	if err != nil {
		w.log.ErrorContext(ctx, "queued mail cannot be opened: expected the master key it was sealed with", "job", job.ID)
		return river.JobCancel(errors.New("cannot be opened"))
	}
	err = w.sender.Send(ctx, message)
	if err == nil {
		return nil
	}
	shown := presentable(err)
	switch {
	case mail.IsPermanent(err):
		w.log.WarnContext(ctx, "mail refused for good", "job", job.ID, "error", shown)
		return river.JobCancel(shown)
	case job.Attempt >= job.MaxAttempts:
		w.log.ErrorContext(ctx, "mail given up", "job", job.ID, "attempts", job.Attempt, "error", shown)
	default:
		w.log.InfoContext(ctx, "mail will be tried again", "job", job.ID, "attempt", job.Attempt, "error", shown)
	}
	return shown
}

// presentable keeps the errors that are known not to quote the message.
func presentable(err error) error {
	if send, ok := errors.AsType[*mail.SendError](err); ok {
		return send
	}
	return errors.New("mail not sent")
}
