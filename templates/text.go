package templates

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/a-h/templ"
)

// productName stands where no project has a name of its own.
const productName = "mcpauth"

// maxName is how many characters of a name that a stranger chose are shown.
const maxName = 60

// invisible lists letters and symbols that draw nothing although Unicode does not call them format characters.
var invisible = map[rune]bool{'\u034F': true, '\u115F': true, '\u1160': true, '\u17B4': true, '\u17B5': true, '\u2800': true, '\u3164': true, '\uFFA0': true, '\uFFFD': true}

// oneLine returns text that a stranger chose in a form that cannot disturb the page around it: no control, format or other
// invisible characters (direction overrides among them), no line breaks, no floods of combining marks, at most limit characters.
func oneLine(text string, limit int) string {
	var out strings.Builder
	count, marks, space := 0, 0, false
	for _, r := range text {
		switch {
		case unicode.IsSpace(r):
			space = count > 0
			continue
		case unicode.In(r, unicode.C, unicode.Variation_Selector), invisible[r]:
			continue
		case unicode.Is(unicode.M, r):
			if marks++; marks > 2 || count == 0 {
				continue
			}
		default:
			marks = 0
		}
		if count >= limit {
			return out.String() + "…"
		}
		if space {
			out.WriteByte(' ')
			space = false
			count++
		}
		out.WriteRune(r)
		count++
	}
	return out.String()
}

// name is oneLine for names, with a word for the case that nothing visible is left.
func name(text, fallback string) string {
	if cleaned := oneLine(text, maxName); cleaned != "" {
		return cleaned
	}
	return fallback
}

func (f FlowPage) client() string { return name(f.ClientName, "An app without a name") }

func (f FlowPage) server() string { return name(f.ServerName, f.Brand.name()) }

func (b Brand) name() string { return name(b.Name, productName) }

// initial is the letter that stands for a project which has no logo.
func (b Brand) initial() string {
	r, _ := utf8.DecodeRuneInString(b.name())
	return string(unicode.ToUpper(r))
}

// splitURL parts an address for display: where it leads (the host) and the rest, so that the host can be set off.
func splitURL(address string) (before, host, after string) {
	shown := oneLine(address, 2000)
	u, err := url.Parse(shown)
	if err != nil || u.Host == "" || u.User != nil {
		return shown, "", ""
	}
	before, after, _ = strings.Cut(shown, "://"+u.Host)
	return before + "://", u.Host, after
}

// mailButton is the style of a link in a message. The colours were parsed before.
func (b Brand) mailButton() templ.SafeCSS {
	background, text := b.ButtonBackground, b.ButtonText
	if background == "" || text == "" {
		background, text = "#1e66d1", "#ffffff"
	}
	return templ.SafeCSS("display:inline-block;padding:10px 16px;border-radius:6px;background:" + background + ";color:" + text + ";font-weight:600;text-decoration:none")
}
