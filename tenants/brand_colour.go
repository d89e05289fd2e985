package tenants

import (
	"fmt"
	"math"
	"strconv"
)

// Colour is an sRGB colour.
type Colour struct{ R, G, B uint8 }

// MinContrast is the least contrast of text (WCAG 2.2 success criterion 1.4.3), and minEdge that of a button against what it lies on
// (1.4.11).
const (
	MinContrast = 4.5
	minEdge     = 3.0
)

var (
	white = Colour{255, 255, 255}
	black = Colour{0, 0, 0}
	// The cards of the two schemes, as templates/static/flow.css has them; a test compares.
	cardLight = Colour{0xff, 0xff, 0xff}
	cardDark  = Colour{0x13, 0x16, 0x1d}
)

// ParseColour reads "#rrggbb", in either case.
func ParseColour(text string) (Colour, bool) {
	if len(text) != 7 || text[0] != '#' {
		return Colour{}, false
	}
	n, err := strconv.ParseUint(text[1:], 16, 24)
	if err != nil {
		return Colour{}, false
	}
	return Colour{R: uint8(n >> 16), G: uint8(n >> 8), B: uint8(n)}, true //nolint:gosec // 24 bits, of which each takes eight
}

func (c Colour) String() string { return fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B) }

// luminance is the relative luminance of WCAG 2.2.
func (c Colour) luminance() float64 {
	channel := func(v uint8) float64 {
		s := float64(v) / 255
		if s <= 0.04045 {
			return s / 12.92
		}
		return math.Pow((s+0.055)/1.055, 2.4)
	}
	return 0.2126*channel(c.R) + 0.7152*channel(c.G) + 0.0722*channel(c.B)
}

// Contrast is the contrast ratio of two colours, from 1 to 21 (WCAG 2.2).
func Contrast(a, b Colour) float64 {
	la, lb := a.luminance(), b.luminance()
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

// towards mixes a colour with another one; share 0 is the colour itself and 1 the other.
func (c Colour) towards(other Colour, share float64) Colour {
	mix := func(a, b uint8) uint8 { return uint8(math.Round(float64(a) + (float64(b)-float64(a))*share)) }
	return Colour{mix(c.R, other.R), mix(c.G, other.G), mix(c.B, other.B)}
}

// readable changes a colour as little as it takes to stand out from a background: darker on a light one, lighter on a dark one.
func (c Colour) readable(on Colour, contrast float64) Colour {
	end := inkOn(on)
	for share := 0.0; share < 1; share += 0.02 {
		if mixed := c.towards(end, share); Contrast(mixed, on) >= contrast {
			return mixed
		}
	}
	return end
}

// inkOn is the text colour for a background: black or white, of which one always has MinContrast.
func inkOn(background Colour) Colour {
	if Contrast(white, background) >= Contrast(black, background) {
		return white
	}
	return black
}

// Contrasts says how well the texts of a brand can be read in each scheme: the ratios that people get, after the palette was corrected.
type Contrasts struct{ Button, Link, Page float64 }

// Contrasts computes the ratios for the light and for the dark scheme. Page is zero without a colour of its own.
func (b Brand) Contrasts() (light, dark Contrasts) {
	of := func(card Colour, page string) (c Contrasts) {
		p, ownPage := b.palette(card, page)
		if b.Accent != "" {
			c.Button, c.Link = Contrast(p.onStrong, p.strong), Contrast(p.link, card)
		}
		if ownPage {
			c.Page = Contrast(p.onPage, p.page)
		}
		return c
	}
	return of(cardLight, b.Page), of(cardDark, b.PageDark)
}

// LinkCorrected tells whether the accent could not be read as it is, so that links take another shade of it.
func (b Brand) LinkCorrected() bool {
	p, _ := b.palette(cardLight, "")
	return b.Accent != "" && p.link != p.accent
}
