// Package ui holds the small components that pages of the dashboard and the site share: icons, fields, copy buttons, times.
//
// It owns their markup; it must not import anything of the project, not even package templates.
package ui

import (
	"strconv"
	"time"

	"github.com/a-h/templ"
)

// FieldProps describes one labelled text field. Error and Help are shown below it and tied to it.
type FieldProps struct {
	Name, Label, Type, Autocomplete, Value, Error, Help, Placeholder string
	// InputMode is the inputmode attribute, such as "numeric"; may be empty.
	InputMode string
	Focus     bool
	Mono      bool
}

// describe returns the attributes that tie the field to its error and help.
func (p FieldProps) describe() templ.Attributes {
	attributes := templ.Attributes{}
	described := ""
	if p.Error != "" {
		attributes["aria-invalid"] = "true"
		described = p.Name + "-error"
	}
	if p.Help != "" {
		if described != "" {
			described += " "
		}
		described += p.Name + "-help"
	}
	if described != "" {
		attributes["aria-describedby"] = described
	}
	if p.InputMode != "" {
		attributes["inputmode"] = p.InputMode
	}
	if p.Placeholder != "" {
		attributes["placeholder"] = p.Placeholder
	}
	return attributes
}

// relative says how long ago t was, in the largest unit that fits; a date when now is zero or t is more than 30 days away.
func relative(t, now time.Time) string {
	age := now.Sub(t)
	switch {
	case now.IsZero() || age < -time.Minute || age >= 30*24*time.Hour:
		return t.UTC().Format("2 Jan 2006")
	case age < time.Minute:
		return "just now"
	case age < time.Hour:
		return ago(int(age/time.Minute), "minute")
	case age < 24*time.Hour:
		return ago(int(age/time.Hour), "hour")
	default:
		return ago(int(age/(24*time.Hour)), "day")
	}
}

func ago(count int, unit string) string {
	if count != 1 {
		unit += "s"
	}
	return strconv.Itoa(count) + " " + unit + " ago"
}
