package tenants

// NoticeKind is what owners of an organization are told of.
type NoticeKind string

// What owners are told of, by mail: acts with which somebody could take an organization, or a project's people, from them.
const (
	NoticeRole            NoticeKind = "role" // somebody became an owner or admin, or an owner is one no more
	NoticeJoined          NoticeKind = "joined"
	NoticeRemoved         NoticeKind = "removed"
	NoticeLeft            NoticeKind = "left"
	NoticeProviderAdded   NoticeKind = "provider added"
	NoticeProviderChanged NoticeKind = "provider changed"
	NoticeProviderRemoved NoticeKind = "provider removed"
)

// Notice is one such act.
type Notice struct {
	Kind         NoticeKind
	Organization Organization
	Project      Project // of a provider
	By           string  // address of the member who did it, or who had invited; empty: whoever runs the service
	Member       string  // address of the member it is about
	From, To     Role    // of the member
	Provider     string  // its name
	External     bool    // it is the customer's own login
}

// NoticeMail puts a notice into words.
type NoticeMail func(Notice) (subject, text, html string, err error)

// TellsOfRole reports whether owners are told of a change from one role to another.
func TellsOfRole(from, to Role) bool {
	return from == RoleOwner && to != RoleOwner || to.CanChangeMembers() && !from.atLeast(to)
}
