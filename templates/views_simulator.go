package templates

// OwnSimulatorPage stands for the page of a customer's site that signs people in. Action takes request, iss, subject, email, name and
// organizations.
type OwnSimulatorPage struct {
	Shell
	Action, BackHref, TestHref                string
	Request, Issuer                           string // of the sign-in that leads here; empty: none does
	Subject, Email, PersonName, Organizations string
	Alert                                     string
	// Sent is what the backend sent, and RedirectTo where the browser goes now; empty: nothing was sent yet.
	Sent, RedirectTo string
}
