package stripefake

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/stripe/stripe-go/v76/webhook"
)

// Event is one event, as it would be sent.
type Event struct {
	ID, Type string
	// Customer is whom it is about.
	Customer string
	Payload  []byte
}

// Sign makes the Stripe-Signature header of a payload.
func Sign(payload []byte, secret string, at time.Time) string {
	return webhook.GenerateTestSignedPayload(&webhook.UnsignedPayload{Payload: payload, Secret: secret, Timestamp: at}).Header
}

// emit makes an event with the object as it is now.
func (f *Fake) emit(kind string, object map[string]any) {
	id := f.id("evt")
	payload, err := json.Marshal(map[string]any{
		"id": id, "object": "event", "api_version": apiVersion, "created": f.time().Unix(), "livemode": false, "pending_webhooks": 1, "type": kind,
		"request": map[string]any{"id": nil, "idempotency_key": nil}, "data": map[string]any{"object": object},
	})
	if err != nil {
		panic("stripefake: " + err.Error()) // maps of plain values
	}
	customer, _ := object["customer"].(string)
	e := Event{ID: id, Type: kind, Customer: customer, Payload: payload}
	f.events = append(f.events, e)
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// retryEvery is the pause before an event that was not taken is sent again.
const retryEvery = time.Second

// Deliver sends every event to a webhook, in order and until it is taken, until the context ends.
func (f *Fake) Deliver(ctx context.Context, url, secret string) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-f.wake:
		}
		for _, e := range f.Take() {
			for !post(ctx, url, secret, e.Payload) {
				select {
				case <-ctx.Done():
					return nil
				case <-time.After(retryEvery):
				}
			}
		}
	}
}

func post(ctx context.Context, url, secret string, payload []byte) (taken bool) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(payload))
	if err != nil {
		return false
	}
	request.Header.Set("Stripe-Signature", Sign(payload, secret, time.Now()))
	answer, err := (&http.Client{Timeout: 30 * time.Second}).Do(request) // Stripe waits about as long
	if err != nil {
		return false
	}
	_ = answer.Body.Close()
	return answer.StatusCode/100 == 2
}

// Take returns the events since the last call.
func (f *Fake) Take() []Event {
	f.mu.Lock()
	defer f.mu.Unlock()
	taken := f.events
	f.events = nil
	return taken
}
