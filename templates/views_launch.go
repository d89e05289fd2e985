package templates

// LaunchPage is the way from trying out to real people. Forms: EnvironmentAction (environment: "production" or "development"),
// CreateAction (name, server_url), CopyAction (to: a project's id).
type LaunchPage struct {
	Shell
	Points                                      []LaunchLine
	Production                                  bool
	EnvironmentAction, CreateAction, CopyAction string // empty: not offered
	Name, ServerURL, To                         Field
	Others                                      []Choice
	Alert                                       string
}

// LaunchLine is one point of the checklist. State is "done", "open" or "advice".
type LaunchLine struct{ Key, State, Text, Href, Link string }

// left counts the points that stop people.
func (p LaunchPage) left() (open int) {
	for _, point := range p.Points {
		if point.State == "open" {
			open++
		}
	}
	return open
}
