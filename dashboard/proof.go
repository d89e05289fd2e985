package dashboard

import "time"

// recentSignIn is how long after proving who they are a member may do what is dangerous.
const recentSignIn = 15 * time.Minute

// proved tells whether the member proved who they are a moment ago.
func (d *dashboard) proved(v *request) bool { return d.Now().Sub(v.session.AuthTime) <= recentSignIn }

// proof is what a session has to have proved lately before a page acts (catalogue 228). Every POST states one; the zero value is for
// pages to look at, and no POST has it.
type proof struct {
	// act says what is done, after "you asked to".
	act string
	// recent asks who it is again when the sign-in is long ago.
	recent bool
	// why is the reason for not asking.
	why string
}

// recent is the proof of an act that could hurt: it gives access to somebody or something, shows a secret, hands out data, costs money,
// takes something away for good, or starts again what was stopped.
func recent(act string) proof { return proof{act: act, recent: true} }

// none is the proof of an act that does not wait, for one of the reasons below.
func none(act, why string) proof { return proof{act: act, why: why} }

// Why an act does not wait for a proof.
const (
	isProof   = "It proves who somebody is."
	isStop    = "It stops something, and a stop must not wait."
	isOwn     = "It changes what this member sees, and nothing for anybody else."
	isOffered = "It takes what a member with a proof offered to this address."
	isNew     = "It makes something empty that nobody uses yet."
	isWords   = "It changes words, looks or order; facts and warnings stay, and it can be changed back."
	isTrial   = "It tries what is there, as any client could, and changes no setting."
	isChecked = "It looks again at what was added or paid with a proof."
)

// stated reports whether a row of the table says what it has to: of a POST what it does, and either that it asks or why it does not.
func (p page) stated() bool {
	if p.method != "POST" {
		return p.proof == proof{} || p.proof.recent && p.proof.act != ""
	}
	return p.proof.act != "" && p.proof.recent != (p.proof.why != "")
}
