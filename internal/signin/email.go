package signin

import "strings"

const emailField = "email"

// ParseEmail returns an address in the one form in which it is stored and looked up: trimmed, in lower case, plain ASCII, exactly one
// @, no quoted parts, at most 254 bytes (RFC 5321 section 4.5.3.1). What is unusual enough to be read differently by two programs is
// refused with a FieldError. Subaddresses (ada+x@) are distinct addresses.
func ParseEmail(typed string) (string, error) {
	refuse := func(message string) (string, error) { return "", FieldError{Field: emailField, Message: message} }
	address := strings.Trim(typed, " \t\r\n")
	if address == "" {
		return refuse("Enter your e-mail address.")
	}
	if len(address) > 254 {
		return refuse("Enter an address of at most 254 characters.")
	}
	for i := range len(address) {
		switch c := address[i]; {
		case c >= 0x80:
			return refuse("Enter an address in plain letters (a to z): addresses with other letters are not supported.")
		case c <= ' ' || c == 0x7f:
			return refuse("Enter the address without spaces.")
		}
	}
	local, domain, found := strings.Cut(address, "@")
	if !found || strings.Contains(domain, "@") {
		return refuse("Enter one address with a single @, such as ada@example.com.")
	}
	if !validLocal(local) || !validDomain(domain) {
		return refuse("Enter an address such as ada@example.com.")
	}
	return strings.ToLower(address), nil
}

// validLocal accepts a dot-atom (RFC 5322 section 3.2.3) of at most 64 bytes.
func validLocal(local string) bool {
	if len(local) > 64 {
		return false
	}
	for atom := range strings.SplitSeq(local, ".") {
		if atom == "" || strings.Trim(atom, lettersAndDigits+"!#$%&'*+-/=?^_`{|}~") != "" {
			return false
		}
	}
	return true
}

// validDomain accepts a host name of two labels or more (RFC 1123 section 2.1), and localhost for local work. Address literals are
// not host names.
func validDomain(domain string) bool {
	labels := strings.Split(domain, ".")
	if len(labels) < 2 && !strings.EqualFold(domain, "localhost") {
		return false
	}
	for _, label := range labels {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' ||
			strings.Trim(label, lettersAndDigits+"-") != "" {
			return false
		}
	}
	return strings.Trim(labels[len(labels)-1], "0123456789") != "" // 127.0.0.1 is not a name
}

const lettersAndDigits = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
