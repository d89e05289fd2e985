package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/riverqueue/river"
)

// billingEvery is the pause between two passes of billing.
const billingEvery = time.Hour

// billingTimeout bounds one pass. One that takes longer goes on with the next: what was done is not done again.
const billingTimeout = 20 * time.Minute

// billingArgs is the job of one pass; it carries nothing.
type billingArgs struct{}

// Kind implements river.JobArgs.
func (billingArgs) Kind() string { return "billing" }

func newBillingPass() (river.JobArgs, *river.InsertOpts) {
	return billingArgs{}, &river.InsertOpts{MaxAttempts: 1, UniqueOpts: river.UniqueOpts{ByPeriod: billingEvery}}
}

type billingWorker struct {
	river.WorkerDefaults[billingArgs]

	pass func(context.Context) error
}

// Timeout implements river.Worker.
func (w *billingWorker) Timeout(*river.Job[billingArgs]) time.Duration { return billingTimeout }

// Work does what is due.
func (w *billingWorker) Work(ctx context.Context, _ *river.Job[billingArgs]) error {
	if w.pass == nil {
		return errors.New("billing is off")
	}
	return w.pass(ctx)
}

// ReconcileBilling sets what is done for billing every hour; without it nothing is.
func ReconcileBilling(pass func(context.Context) error) WorkOption {
	return func(w *workSettings) { w.passBilling = pass }
}
