package web

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"unicode/utf8"

	"github.com/labstack/echo/v4"
)

// MaxBody refuses bodies of more than n bytes with an echo.HTTPError of status 413 for the surface's error renderer, whether the length
// was announced or only found while reading. Handlers must not swallow the error of reading: Form does not.
func MaxBody(n int64) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			r := c.Request()
			if r.ContentLength > n {
				return echo.ErrStatusRequestEntityTooLarge
			}
			r.Body = http.MaxBytesReader(c.Response(), r.Body, n)
			err := next(c)
			if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
				return echo.ErrStatusRequestEntityTooLarge
			}
			return err
		}
	}
}

// Form reads an application/x-www-form-urlencoded body, and nothing of the query string. It returns an echo.HTTPError: 415 for another
// content type, 413 from MaxBody, 400 for a body that is not a form, is not UTF-8 or holds a NUL.
func Form(c echo.Context) (url.Values, error) {
	mediaType, _, err := mime.ParseMediaType(c.Request().Header.Get(echo.HeaderContentType))
	if err != nil || mediaType != echo.MIMEApplicationForm {
		return nil, echo.ErrUnsupportedMediaType
	}
	body, err := io.ReadAll(c.Request().Body)
	if err != nil {
		return nil, bodyError(err)
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, echo.ErrBadRequest
	}
	return form, checkText(form)
}

// CheckAddress is echo.ErrBadRequest for a request whose query or path holds what is no text: NUL or broken UTF-8, which the database
// refuses.
func CheckAddress(c echo.Context) error {
	for _, value := range c.ParamValues() {
		if !isText(value) {
			return echo.ErrBadRequest
		}
	}
	return checkText(c.Request().URL.Query()) // not QueryParams, which would keep the query for a request that takes the place of this one
}

// bodyError says why a body could not be read.
func bodyError(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return echo.ErrStatusRequestEntityTooLarge
	}
	return echo.ErrBadRequest
}

func checkText(form url.Values) error {
	for name, values := range form {
		for _, value := range append(slices.Clip(values), name) {
			if !isText(value) {
				return echo.ErrBadRequest
			}
		}
	}
	return nil
}

// isText refuses what PostgreSQL would refuse later, with a worse answer.
func isText(value string) bool {
	for i := range len(value) {
		if value[i] == 0 {
			return false
		}
	}
	return utf8.ValidString(value)
}

// FormWithFile reads a multipart/form-data body with one file, of which the content is returned; none: nil. Its size is what MaxBody
// allows. Everything else is as Form has it.
func FormWithFile(c echo.Context, file string) (url.Values, []byte, error) {
	mediaType, _, err := mime.ParseMediaType(c.Request().Header.Get(echo.HeaderContentType))
	if err != nil || mediaType != echo.MIMEMultipartForm {
		form, err := Form(c)
		return form, nil, err
	}
	reader, err := c.Request().MultipartReader()
	if err != nil {
		return nil, nil, echo.ErrBadRequest
	}
	form, content := url.Values{}, []byte(nil)
	for {
		part, err := reader.NextPart()
		if errors.Is(err, io.EOF) {
			return form, content, checkText(form)
		}
		if err != nil {
			return nil, nil, bodyError(err)
		}
		value, err := io.ReadAll(part)
		if err != nil {
			return nil, nil, bodyError(err)
		}
		switch name := part.FormName(); {
		case name == file && part.FileName() != "":
			content = value
		case name != "" && name != file:
			form.Add(name, string(value))
		}
	}
}
