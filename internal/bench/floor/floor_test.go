package floor

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"github.com/labstack/echo/v4"
)

func TestReferenceKeepsWhatItRefersTo(t *testing.T) {
	t.Parallel()
	want := reference{grant: newID(), generation: 7, random: newID()}
	for _, prefix := range []string{codePrefix, refreshPrefix} {
		text := want.encode(prefix)
		if got, err := decode(prefix, text); err != nil || got != want {
			t.Errorf("%+v, %v, expected %+v", got, err, want)
		}
		for _, wrong := range []string{"", prefix, text[1:], text[:len(text)-4], text + "AAAA", strings.Replace(text, prefix, "mcpauth_xx_", 1)} {
			if got, err := decode(prefix, wrong); err == nil {
				t.Errorf("%q: %+v without an error", wrong, got)
			}
		}
	}
}

// The floor does the signature that cannot be left out: its tokens verify.
func TestSignedTokensVerify(t *testing.T) {
	t.Parallel()
	s, err := newSigner()
	if err != nil {
		t.Fatal(err)
	}
	for range 50 { // short r and s are padded
		token, err := s.sign(claims{Issuer: "https://issuer.example", Subject: text(newID()), Expires: 4102444800})
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := jwt.Parse(token, func(*jwt.Token) (any, error) { return s.key.Public(), nil }, jwt.WithValidMethods([]string{"ES256"}),
			jwt.WithIssuer("https://issuer.example"), jwt.WithStrictDecoding())
		if err != nil || parsed.Header["typ"] != "at+jwt" {
			t.Errorf("%v, %v", parsed.Header, err)
		}
	}
}

func TestDocumentsAndPagesAreTheGivenOnes(t *testing.T) {
	t.Parallel()
	s := &server{Config: Config{
		Prefix: "/t/bench", MetadataPath: "/.well-known/x/t/bench",
		Metadata: Answer{Header: http.Header{"Content-Type": {"application/json"}, "X-Frame-Options": {"DENY"}}, Body: []byte(`{"a":1}`)},
	}}
	e := s.routes()
	e.GET("/page", func(c echo.Context) error {
		return Page{Header: http.Header{"X-Frame-Options": {"DENY"}}, Parts: []string{"<a>", "</a><b>", "</b>"}}.write(c, "value")
	})
	for path, want := range map[string]string{"/.well-known/x/t/bench": `{"a":1}`, "/page": "<a>value</a><b>value</b>"} {
		w := httptest.NewRecorder()
		e.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != http.StatusOK || w.Body.String() != want || w.Header().Get("X-Frame-Options") != "DENY" {
			t.Errorf("%s: %d %v %q", path, w.Code, w.Header(), w.Body)
		}
	}
}

func TestRunNeedsAConfiguration(t *testing.T) {
	t.Parallel()
	for _, in := range []string{"", "{", `{"DatabaseURL":"postgres://%zz"}`} {
		if err := Run(t.Context(), strings.NewReader(in)); err == nil {
			t.Errorf("%q: no error", in)
		}
	}
}
