// Package picture makes logos of pictures that strangers upload: it decodes them and writes the pixels anew.
//
// It owns the bounds of such pictures and imports the standard library and x/image.
package picture

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // a format that is read
	"image/png"

	"golang.org/x/image/draw"
	_ "golang.org/x/image/webp" // a format that is read
)

// Bounds of a picture.
const (
	MaxPixels = 4000     // in each direction, of what is read
	maxWidth  = 320      // of what is written
	maxHeight = 96       // of what is written
	maxBytes  = 24 << 10 // of what is written: a page weighs less than 60 KB
)

// ErrPicture says that it is none that is read here.
var ErrPicture = errors.New("expected a PNG, JPEG or WebP picture of at most 4,000 by 4,000 pixels")

// Logo returns a PNG with the pixels of a PNG, JPEG or WebP picture, at most 320 by 96 pixels and 24 KiB large. Only the header is read
// before its size is known; names, positions, comments and whatever else was in the file are gone.
func Logo(raw []byte) ([]byte, error) {
	config, format, err := image.DecodeConfig(bytes.NewReader(raw))
	if err != nil || config.Width < 1 || config.Height < 1 || config.Width > MaxPixels || config.Height > MaxPixels || (format != "png" && format != "jpeg" && format != "webp") {
		return nil, ErrPicture
	}
	decoded, _, err := image.Decode(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPicture, err)
	}
	scale := min(1, maxWidth/float64(config.Width), maxHeight/float64(config.Height))
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	for ; ; scale *= 0.8 {
		size := image.Rect(0, 0, max(1, int(float64(config.Width)*scale)), max(1, int(float64(config.Height)*scale)))
		small := image.NewNRGBA(size)
		draw.CatmullRom.Scale(small, size, decoded, decoded.Bounds(), draw.Src, nil)
		var out bytes.Buffer
		if err := encoder.Encode(&out, small); err != nil {
			return nil, err
		}
		if out.Len() <= maxBytes {
			return out.Bytes(), nil
		}
	}
}
