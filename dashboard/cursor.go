package dashboard

import (
	"errors"
	"net/http"

	"mcpauth.example/internal/secret"
)

// errCursor is a position in a list that was not made here for this list (catalogue 225).
var errCursor = errors.New("forged or foreign cursor")

// purposeCursor names the sealing key of positions in lists.
const purposeCursor = "dashboard-cursor"

// parameterCursor is the query parameter that carries a position.
const parameterCursor = "after"

// cursorBinding ties a position to the member's organization, the project and the page.
func cursorBinding(v *request) []byte {
	org, project := v.org(), v.project.ID
	return secret.Join(org[:], project[:], []byte(v.Path()))
}

// position opens the position in a list that the request asks for; empty: the beginning.
func (d *dashboard) position(v *request) (string, error) {
	text := v.QueryParam(parameterCursor)
	if text == "" {
		return "", nil
	}
	sealed, err := secret.Decode(text)
	if err != nil {
		return "", errCursor
	}
	position, err := d.Keys.Open(purposeCursor, sealed, cursorBinding(v))
	if err != nil {
		return "", errCursor
	}
	return string(position), nil
}

// pageAfter is the address of this list behind a position, with the same filters; empty for none.
func (d *dashboard) pageAfter(v *request, position string) string {
	if position == "" {
		return ""
	}
	query := v.Request().URL.Query()
	query.Set(parameterCursor, secret.Encode(d.Keys.Seal(purposeCursor, []byte(position), cursorBinding(v))))
	return v.Request().URL.Path + "?" + query.Encode()
}

// firstPage is the address of the beginning of this list with the same filters; empty on the first page.
func (d *dashboard) firstPage(v *request) string {
	query := v.Request().URL.Query()
	if v.Request().Method != http.MethodGet || !query.Has(parameterCursor) {
		return ""
	}
	query.Del(parameterCursor)
	if len(query) == 0 {
		return v.Request().URL.Path
	}
	return v.Request().URL.Path + "?" + query.Encode()
}
