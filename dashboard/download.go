package dashboard

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"mcpauth.example/internal/web"
)

const (
	// downloadAhead is how many bytes of a file wait before the first of them is sent: what fails before is answered with a page.
	downloadAhead = 64 << 10
	// downloadPatience is how long one piece of a file may take to arrive; the file as a whole may take longer than a page.
	downloadPatience = 30 * time.Second
)

// download streams a file. Nobody can take a part for the whole: what fails before the first byte is sent is answered as on every page;
// later the file ends with a line that says so, and the connection is cut, which browsers and programs report as a failed download.
func (d *dashboard) download(v *request, name, contentType string, write func(io.Writer) error) error {
	file := &sending{v: v, name: name, contentType: contentType}
	out := bufio.NewWriterSize(file, downloadAhead)
	err := write(out)
	if err == nil {
		err = out.Flush()
	}
	if err == nil || !file.begun {
		return err
	}
	d.Log.ErrorContext(v.ctx(), "a download ended half way", "file", name, "error", err, "request_id", web.RequestID(v))
	_, _ = fmt.Fprintf(out, "\n%q\n", "This file is not complete: the export failed half way. Export it again. Request "+web.RequestID(v))
	_ = out.Flush()
	v.Response().Flush()
	panic(http.ErrAbortHandler)
}

// downloadCSV streams a table.
func (d *dashboard) downloadCSV(v *request, name string, head []string, write func(row func(...string) error) error) error {
	return d.download(v, name, "text/csv", func(w io.Writer) error {
		out := csv.NewWriter(w)
		if err := out.Write(head); err != nil {
			return err
		}
		if err := write(func(cells ...string) error { return out.Write(plainCells(cells...)) }); err != nil {
			return err // not flushed: nothing may have been sent yet
		}
		out.Flush()
		return out.Error()
	})
}

// plainCells keeps programs that open tables from taking a text for a formula (catalogue 227).
func plainCells(cells ...string) []string {
	for i, cell := range cells {
		if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
			cells[i] = "'" + cell
		}
	}
	return cells
}

// sending begins an answer with the first byte of its file.
type sending struct {
	v                 *request
	name, contentType string
	begun             bool
}

func (s *sending) Write(p []byte) (int, error) {
	if header := s.v.Response().Header(); !s.begun {
		header.Set("Content-Disposition", `attachment; filename="`+s.name+`"`)
		header.Set("Content-Type", s.contentType+"; charset=utf-8")
		s.begun = true
	}
	_ = http.NewResponseController(s.v.Response()).SetWriteDeadline(time.Now().Add(downloadPatience))
	return s.v.Response().Write(p)
}
