package templates

import "fmt"

const (
	codeMailWarning     = "Tell this code to nobody, and enter it only on the page you opened yourself. If you did not ask for it, ignore this mail: nothing happens without the code."
	linkText            = "Continue in this browser"
	knownAddressWarning = "If it was not you, ignore this mail: nothing was changed."
)

func (m CodeMail) purpose() string {
	if m.Requested == "" {
		return "Enter it on the page you have open."
	}
	return "Enter it to " + oneLine(m.Requested, 200) + "."
}

func (m CodeMail) validity() string {
	if m.Minutes == 1 {
		return "It works for one minute."
	}
	return fmt.Sprintf("It works for %d minutes.", m.Minutes)
}

func (m KnownAddressMail) happened() string {
	return "Somebody tried to create an account at " + m.Brand.name() + " with this address. There is one already: sign in with it instead."
}

// sender closes a mail: who sent it, and for whom unless that is the same.
func (b Brand) sender() string {
	if b.name() == productName {
		return "Sent by " + productName + "."
	}
	return "Sent by " + productName + " for " + b.name() + "."
}

// CodeMailText is the plain text of CodeMailHTML.
func CodeMailText(m CodeMail) string {
	link := ""
	if m.Link != "" {
		link = linkText + ": " + m.Link + "\n\n"
	}
	return fmt.Sprintf("Your code: %s\n\n%s\n%s\n\n%s%s\n\n-- \n%s\n", m.Code, m.purpose(), m.validity(), link, codeMailWarning, m.Brand.sender())
}

func (m NoAccountMail) happened() string {
	return "Somebody asked for a code to sign in at " + m.Brand.name() + " with this address, which has no account there. Use the address that your account has."
}

// NoAccountMailText is the plain text of NoAccountMailHTML.
func NoAccountMailText(m NoAccountMail) string {
	return fmt.Sprintf("There is no account for this address\n\n%s\n\n%s\n\n-- \n%s\n", m.happened(), knownAddressWarning, m.Brand.sender())
}

// KnownAddressMailText is the plain text of KnownAddressMailHTML.
func KnownAddressMailText(m KnownAddressMail) string {
	link := ""
	if m.SignInURL != "" {
		link = "\nSign in: " + m.SignInURL + "\n"
	}
	return fmt.Sprintf("You already have an account\n\n%s\n%s\n%s\n\n-- \n%s\n", m.happened(), link, knownAddressWarning, m.Brand.sender())
}
