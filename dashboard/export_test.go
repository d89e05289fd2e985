package dashboard

// Route is a row of the table of pages, for the tests that go through all of them.
type Route struct {
	Method, Path string
	// Access is who may: "anyone", "members", or the least role.
	Access string
	Recent bool
}

// Routes lists every page of the door.
func Routes() []Route {
	names := map[access]string{anyone: "anyone", members: "members", viewers: "viewer", developers: "developer", admins: "admin", owners: "owner"}
	var routes []Route
	for _, p := range (&dashboard{}).pages() {
		routes = append(routes, Route{Method: p.method, Path: p.path, Access: names[p.access], Recent: p.recent})
	}
	return routes
}
