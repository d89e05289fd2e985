package dashboard

// Route is a row of the table of pages, for the tests that go through all of them.
type Route struct {
	Method, Path string
	// Access is who may: "anyone", "members", or the least role.
	Access string
	// Recent: the act asks for a proof; Act is what it does, and Why the reason for not asking.
	Recent   bool
	Act, Why string
}

// Routes lists every page of the door.
func Routes() []Route {
	names := map[access]string{anyone: "anyone", members: "members", viewers: "viewer", developers: "developer", admins: "admin", owners: "owner"}
	var routes []Route
	for _, p := range (&dashboard{}).pages() {
		routes = append(routes, Route{Method: p.method, Path: p.path, Access: names[p.access], Recent: p.proof.recent, Act: p.proof.act, Why: p.proof.why})
	}
	return routes
}
