// Package floor is the least a server can do and still give the answers of the product's endpoints: Echo and pgx, the unavoidable
// statement of each request on tables of its own, one ES256 signature per access token. There are no projects, sessions, message
// authentication, sealing, audit, row-level security or logs. It is a yardstick, never a server for anyone.
//
// Documents, pages and headers are what the product answered to the same request beforehand, so that the answers have the same size.
// The package imports nothing of the project.
package floor

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/labstack/echo/v4"
)

// Config is what the server answers with. It is read from the standard input, which then stays open as long as the server shall live.
type Config struct {
	DatabaseURL string
	// Prefix is the path that the endpoints stand below.
	Prefix string
	// MetadataPath is where the metadata document is.
	MetadataPath string
	Metadata     Answer
	JWKS         Answer
	// Consent has the request at every gap, Leave the code.
	Consent, Leave Page
	// RequestSize is the length that the request has in a form, in bytes.
	RequestSize int
	// Register, Token and Introspect are the headers of these answers.
	Register, Token, Introspect http.Header
	// Issuer and Username are what tokens and introspection say.
	Issuer, Username string
}

// Answer is a constant response.
type Answer struct {
	Header http.Header
	Body   []byte
}

// Page is a response with gaps between its parts.
type Page struct {
	Header http.Header
	Parts  []string
}

// maxConnections is the size of the pool, as the product has it by default.
const maxConnections = 20

// server answers.
type server struct {
	Config
	pool   *pgxpool.Pool
	signer *signer
}

// Run reads the configuration from in, prints its address as one line, and serves until in or ctx ends.
func Run(ctx context.Context, in io.Reader) error {
	s := &server{}
	decoder := json.NewDecoder(in)
	if err := decoder.Decode(&s.Config); err != nil {
		return fmt.Errorf("floor: read the configuration: %w", err)
	}
	config, err := pgxpool.ParseConfig(s.DatabaseURL)
	if err != nil {
		return fmt.Errorf("floor: %w", err)
	}
	config.MaxConns = maxConnections
	if s.pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return fmt.Errorf("floor: %w", err)
	}
	defer s.pool.Close()
	if s.signer, err = newSigner(); err != nil {
		return fmt.Errorf("floor: %w", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("floor: %w", err)
	}
	_, _ = fmt.Fprintln(os.Stdout, listener.Addr())
	e := s.routes()
	e.Listener = listener
	ended := make(chan error, 2)
	go func() { ended <- e.Start("") }()
	go func() {
		_, err := io.Copy(io.Discard, in)
		ended <- err
	}()
	select {
	case err = <-ended:
	case <-ctx.Done():
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_ = e.Shutdown(closing)
	return err
}

func (s *server) routes() *echo.Echo {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.GET(s.MetadataPath, constant(s.Metadata))
	e.GET(s.Prefix+"/api/oauth/jwks", constant(s.JWKS))
	e.POST(s.Prefix+"/api/oauth/register", s.register)
	e.GET(s.Prefix+"/oauth/authorize", s.authorize)
	e.POST(s.Prefix+"/oauth/consent", s.consent)
	e.POST(s.Prefix+"/api/oauth/token", s.token)
	e.POST(s.Prefix+"/api/oauth/introspect", s.introspect)
	return e
}

func constant(a Answer) echo.HandlerFunc {
	contentType := a.Header.Get(echo.HeaderContentType)
	return func(c echo.Context) error {
		set(c, a.Header)
		return c.Blob(http.StatusOK, contentType, a.Body)
	}
}

// set gives the response the headers without copying their values.
func set(c echo.Context, header http.Header) {
	to := c.Response().Header()
	maps.Copy(to, header)
}

func (p Page) write(c echo.Context, value string) error {
	set(c, p.Header)
	size := len(value) * (len(p.Parts) - 1)
	for _, part := range p.Parts {
		size += len(part)
	}
	page := make([]byte, 0, size)
	for i, part := range p.Parts {
		if i > 0 {
			page = append(page, value...)
		}
		page = append(page, part...)
	}
	return c.HTMLBlob(http.StatusOK, page)
}

func refuse(c echo.Context, err error) error {
	return c.String(http.StatusBadRequest, fmt.Sprintf("refused: %v\n", err))
}
