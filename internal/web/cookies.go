package web

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
)

// Cookies reads and writes the cookies of one surface. All of them are HttpOnly and SameSite=Lax and belong to one host.
type Cookies struct {
	// Secure is true when the surface is reached by https: names get the __Host- prefix (RFC 6265bis section 4.1.3.2), which a sibling
	// subdomain cannot set, and the path is "/".
	Secure bool
	// Suffix keeps projects apart that share an origin; it is appended to every name. Letters, digits, - and _ only.
	Suffix string
	// Path is used without Secure only. Empty: "/".
	Path string
}

// Set gives the browser a value of cookie-safe characters. A maxAge of zero lasts until the browser is closed; it is rounded down to seconds.
func (k Cookies) Set(c echo.Context, name, value string, maxAge time.Duration) {
	cookie := k.cookie(name, value)
	cookie.MaxAge = int(maxAge / time.Second)
	c.SetCookie(cookie)
}

// Get returns the value, and "" when there is none or when the browser sent two different ones, since one of them is then somebody else's.
func (k Cookies) Get(c echo.Context, name string) string {
	value := ""
	for i, cookie := range c.Request().CookiesNamed(k.name(name)) {
		if i > 0 && cookie.Value != value {
			return ""
		}
		value = cookie.Value
	}
	return value
}

// Clear makes the browser forget the value.
func (k Cookies) Clear(c echo.Context, name string) {
	cookie := k.cookie(name, "")
	cookie.MaxAge = -1
	c.SetCookie(cookie)
}

func (k Cookies) name(name string) string {
	if k.Suffix != "" {
		name += "_" + k.Suffix
	}
	if k.Secure {
		return "__Host-" + name
	}
	return name
}

func (k Cookies) cookie(name, value string) *http.Cookie {
	path := k.Path
	if path == "" || k.Secure {
		path = "/"
	}
	return &http.Cookie{
		Name: k.name(name), Value: value, Path: path, Secure: k.Secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
}
