// Package ui holds the small components that pages of the dashboard and the site share: fields, tables, charts, copy buttons, times.
//
// It owns their markup; it must not import anything of the project, not even package templates.
package ui

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"
)

// FieldProps describes one labelled field. Error and Help are shown below it and tied to it.
type FieldProps struct {
	Name, Label, Type, Autocomplete, Value, Error, Help, Placeholder string
	// ID tells fields of one name apart on a page; empty: the name.
	ID string
	// InputMode is the inputmode attribute, such as "numeric"; may be empty.
	InputMode string
	Optional  bool
	Focus     bool
	Mono      bool
}

func (p FieldProps) id() string { return cmp.Or(p.ID, p.Name) }

// describe returns the attributes that tie the field to its error and help.
func (p FieldProps) describe() templ.Attributes {
	attributes := describedBy(p.id(), p.Error, p.Help)
	if p.InputMode != "" {
		attributes["inputmode"] = p.InputMode
	}
	if p.Placeholder != "" {
		attributes["placeholder"] = p.Placeholder
	}
	return attributes
}

func describedBy(id, problem, help string) templ.Attributes {
	attributes := templ.Attributes{}
	var by []string
	if problem != "" {
		attributes["aria-invalid"] = "true"
		by = append(by, id+"-error")
	}
	if help != "" {
		by = append(by, id+"-help")
	}
	if len(by) > 0 {
		attributes["aria-describedby"] = strings.Join(by, " ")
	}
	return attributes
}

// Option is one value of a choice.
type Option struct {
	Value, Label, Help string
	Disabled           bool
}

// ConfirmProps describes a dangerous act. Fields are hidden ones: name as Value, value as Label.
type ConfirmProps struct {
	ID     string // tells forms of one page apart
	Label  string // of the disclosure, such as "Delete project"
	Of     string // what it is about, for screen readers, where a list has many
	Action string
	Text   string // what will happen
	Button string
	Typed  string // what has to be typed into the field "confirm"; empty: nothing
	Error  string // about what was typed
	Fields []Option
	Block  bool // a button of its own instead of a word in a row
}

func (p ConfirmProps) id() string { return "confirm-" + p.ID }

func (p ConfirmProps) describe() templ.Attributes { return describedBy(p.id(), p.Error, "") }

// Column heads one column of a table.
type Column struct {
	Label string
	Right bool // numbers and times
}

// Tab is a part of a page.
type Tab struct {
	Label, Href string
	Current     bool
}

// SecretProps describes a credential that is shown once.
type SecretProps struct {
	Title, Text string
	What        string // "registration secret"
	Value       string
	File, Env   string // name and content of the file to download; empty: none
	Lost        string // what to do who lost it
	Hook        string // data-testid of the value
}

// Number writes a count with its thousands apart.
func Number(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// DayCount is what happened on a day (UTC).
type DayCount struct {
	Day   time.Time
	Count int
}

// BarsProps describes a chart of one number per day. Unit is what is counted, in the plural.
type BarsProps struct {
	Title, Unit, Tone, Hook string
	Days                    []DayCount
	Total                   int
}

const (
	barStep   = 10
	barHeight = 64
)

type bar struct{ x, y, width, height, title string }

func (p BarsProps) width() string { return strconv.Itoa(max(1, len(p.Days)) * barStep) }

func (p BarsProps) viewBox() string { return "0 0 " + p.width() + " " + strconv.Itoa(barHeight) }

func (p BarsProps) most() (most DayCount) {
	for _, d := range p.Days {
		if d.Count > most.Count {
			most = d
		}
	}
	return most
}

// bars leaves days without anything out: they have no height. A day with anything at all can be seen.
func (p BarsProps) bars() (bars []bar) {
	most := p.most().Count
	for i, d := range p.Days {
		if d.Count == 0 {
			continue
		}
		height := max(2, d.Count*barHeight/most)
		bars = append(bars, bar{
			x: strconv.Itoa(i*barStep + 1), y: strconv.Itoa(barHeight - height), width: strconv.Itoa(barStep - 2), height: strconv.Itoa(height),
			title: d.Day.UTC().Format("2 Jan") + ": " + Number(d.Count),
		})
	}
	return bars
}

// sentence says what the picture shows.
func (p BarsProps) sentence() string {
	most := p.most()
	if most.Count == 0 {
		return "No " + p.Unit + " in " + strconv.Itoa(len(p.Days)) + " days"
	}
	return Number(p.Total) + " " + p.Unit + " in " + strconv.Itoa(len(p.Days)) + " days, most on " + most.Day.UTC().Format("2 January") + ": " + Number(most.Count)
}

func (p BarsProps) first() string { return p.day(0) }

func (p BarsProps) last() string { return p.day(len(p.Days) - 1) }

func (p BarsProps) day(i int) string {
	if i < 0 || i >= len(p.Days) {
		return ""
	}
	return p.Days[i].Day.UTC().Format("2 Jan")
}

func barsClass(tone string) string {
	if tone == "bad" {
		return "text-bad"
	}
	return "text-accent"
}

func noticeClass(tone string) string {
	switch tone {
	case "warn":
		return "border-warn-line bg-warn-bg text-warn"
	case "bad":
		return "border-bad-line bg-bad-bg text-bad"
	case "ok":
		return "border-line bg-ok-bg text-ok"
	default:
		return "border-line bg-surface text-ink-2"
	}
}

func noticeIcon(tone string) string {
	switch tone {
	case "warn":
		return "triangle-alert"
	case "bad":
		return "circle-alert"
	case "ok":
		return "circle-check"
	default:
		return "info"
	}
}

func stateClass(tone string) string {
	switch tone {
	case "ok":
		return "text-ok"
	case "warn":
		return "text-warn"
	case "bad":
		return "text-bad"
	default:
		return "text-ink-2"
	}
}

// relative says how long ago t was, or how long until then, in the largest unit that fits; a date when now is zero or t is more than 30
// days away.
func relative(t, now time.Time) string {
	age := now.Sub(t)
	switch {
	case now.IsZero() || age.Abs() >= 30*24*time.Hour:
		return t.UTC().Format("2 Jan 2006")
	case age > -time.Minute && age < time.Minute:
		return "just now"
	case age < 0:
		return "in " + span(-age)
	default:
		return span(age) + " ago"
	}
}

func span(d time.Duration) string {
	switch {
	case d < time.Hour:
		return plural(int(d/time.Minute), "minute")
	case d < 24*time.Hour:
		return plural(int(d/time.Hour), "hour")
	default:
		return plural(int(d/(24*time.Hour)), "day")
	}
}

func plural(count int, unit string) string {
	if count != 1 {
		unit += "s"
	}
	return strconv.Itoa(count) + " " + unit
}
