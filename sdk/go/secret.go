package mcpauth

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
)

const (
	secretPrefix = "mcpauth_rs_"
	randomLength = 43 // 32 bytes in base64url without padding
)

// registrationSecret is a parsed secret. Only its address may ever be shown.
type registrationSecret struct {
	value   string
	address string
}

// parseSecret reads the project's address out of a registration secret. Its errors never repeat the secret.
func parseSecret(value string) (registrationSecret, error) {
	value = strings.TrimSpace(value)
	if value == "" {
		return registrationSecret{}, errors.New(
			"RegistrationSecret is empty: set it from the environment, usually MCPAUTH_SECRET, to the secret shown in the dashboard")
	}
	rest, ok := strings.CutPrefix(value, secretPrefix)
	if !ok {
		return registrationSecret{}, fmt.Errorf("RegistrationSecret does not begin with %s", secretPrefix)
	}
	encoded, random, ok := strings.Cut(rest, ".")
	if !ok || len(random) != randomLength {
		return registrationSecret{}, errors.New("RegistrationSecret is incomplete: copy all of it")
	}
	// The decoder skips line breaks, which would later break the header.
	if _, err := base64.RawURLEncoding.DecodeString(random); err != nil || strings.ContainsAny(value, "\r\n") {
		return registrationSecret{}, errors.New("RegistrationSecret has characters that no secret has: copy it again")
	}
	address, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil {
		return registrationSecret{}, errors.New("RegistrationSecret carries no address: copy it again")
	}
	if _, err := parseAddress(string(address)); err != nil {
		return registrationSecret{}, fmt.Errorf("RegistrationSecret carries an address that cannot be used: %w", err)
	}
	return registrationSecret{value: value, address: string(address)}, nil
}

// parseAddress accepts what the secret may be sent to: https anywhere, plain http only on this machine.
func parseAddress(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return nil, errors.New("not a URL")
	case u.Host == "" || u.Hostname() == "" || u.User != nil || strings.ContainsAny(address, "?#"):
		return nil, errors.New("must be a URL of scheme, host and path only")
	case strings.HasSuffix(address, "/"):
		return nil, errors.New("must not end with a slash")
	case u.Scheme == "https", u.Scheme == "http" && isLoopback(u.Hostname()):
		return u, nil
	}
	return nil, errors.New("must begin with https:// (http:// only for localhost)")
}

func isLoopback(host string) bool {
	if isLocalhost(host) {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// isLocalhost reports whether the name is kept for this machine (RFC 6761 section 6.3).
func isLocalhost(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}
