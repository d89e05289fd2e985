package web

import (
	"encoding/json"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"

	"mcpauth.example/internal/secret"
)

const (
	cookieOnce   = "mcpauth_once"
	onceLifetime = 5 * time.Minute
	// purposeOnce names the sealing key of what a page shows once.
	purposeOnce = "shown-once"
)

// Once carries what a page shows once, such as a secret that was just made, over the redirect from the form to the page, so that loading
// the page again makes nothing: sealed, in a cookie, for five minutes, for one path and whom it is for. It stands in no address and no
// log, and nothing is stored: taking it makes the browser forget it.
type Once struct {
	Cookies Cookies
	Keys    *secret.Keyring
	Now     func() time.Time
}

type onceKept struct {
	Until time.Time
	Value json.RawMessage
}

// Keep holds a value for the page at the address, which may be a path. A browser carries one value at a time.
func (o Once) Keep(c echo.Context, address string, whom []byte, value any) error {
	raw, err := json.Marshal(value)
	if err == nil {
		raw, err = json.Marshal(onceKept{Until: o.Now().Add(onceLifetime), Value: raw})
	}
	if err != nil {
		return err
	}
	o.Cookies.Set(c, cookieOnce, secret.Encode(o.Keys.Seal(purposeOnce, raw, onceBinding(address, whom))), onceLifetime)
	return nil
}

// Take reads the value that waits for this address and whoever asks, and makes the browser forget it; false: none does.
func (o Once) Take(c echo.Context, address string, whom []byte, into any) bool {
	sealed, err := secret.Decode(o.Cookies.Get(c, cookieOnce))
	if err != nil || len(sealed) == 0 {
		return false
	}
	raw, err := o.Keys.Open(purposeOnce, sealed, onceBinding(address, whom))
	if err != nil {
		return false // it waits for another page
	}
	o.Cookies.Clear(c, cookieOnce)
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	var kept onceKept
	return json.Unmarshal(raw, &kept) == nil && o.Now().Before(kept.Until) && json.Unmarshal(kept.Value, into) == nil
}

func onceBinding(address string, whom []byte) []byte {
	path := address
	if u, err := url.Parse(address); err == nil {
		path = u.Path
	}
	return secret.Join([]byte(path), whom)
}
