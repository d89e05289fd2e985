package picture_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"testing"

	"mcpauth.example/internal/picture"
)

func noise(width, height int) image.Image {
	out := image.NewNRGBA(image.Rect(0, 0, width, height))
	for i := range out.Pix {
		out.Pix[i] = byte(i * i >> 3)
	}
	return out
}

func encoded(t *testing.T, encode func(*bytes.Buffer) error) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := encode(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// Catalogue 150: what comes out is a small PNG made of pixels, whatever else the file held.
func TestLogo(t *testing.T) {
	t.Parallel()
	payload := []byte("<script>alert(document.domain)</script> GPS 52.5")
	asPNG := encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, noise(2000, 1000)) })
	asJPEG := encoded(t, func(b *bytes.Buffer) error { return jpeg.Encode(b, noise(100, 400), nil) })
	comment := append([]byte{0xff, 0xd8, 0xff, 0xfe, 0, byte(len(payload) + 2)}, payload...)
	for name, raw := range map[string][]byte{
		"PNG": asPNG, "PNG with something behind it": append(bytes.Clone(asPNG), payload...), "JPEG with a comment": append(comment, asJPEG[2:]...),
		"one pixel": encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, noise(1, 1)) }),
	} {
		got, err := picture.Logo(raw)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		config, format, err := image.DecodeConfig(bytes.NewReader(got))
		if err != nil || format != "png" || config.Width > 320 || config.Height > 96 || len(got) > 24<<10 || bytes.Contains(got, []byte("script")) {
			t.Errorf("%s: %s %dx%d, %d bytes, %v", name, format, config.Width, config.Height, len(got), err)
		}
	}
	empty := image.NewNRGBA(image.Rect(0, 0, 10, 10))
	got, err := picture.Logo(encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, empty) }))
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := png.Decode(bytes.NewReader(got))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, _, alpha := decoded.At(5, 5).RGBA(); alpha != 0 {
		t.Error("it is no longer see-through")
	}
}

// Catalogue 150: what is no picture of the three kinds, or says that it is huge, is refused before a pixel of it is decoded.
func TestLogoRefuses(t *testing.T) {
	t.Parallel()
	small := encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, noise(2, 2)) })
	huge := bytes.Clone(small) // a bomb: the header says 50,000 by 50,000
	binary.BigEndian.PutUint32(huge[16:], 50_000)
	binary.BigEndian.PutUint32(huge[20:], 50_000)
	binary.BigEndian.PutUint32(huge[29:], crc32.ChecksumIEEE(huge[12:29]))
	for name, raw := range map[string][]byte{
		"SVG": []byte(`<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`), "HTML": []byte("<html>"), "nothing": nil,
		"GIF": encoded(t, func(b *bytes.Buffer) error {
			return gif.Encode(b, image.NewPaletted(image.Rect(0, 0, 2, 2), color.Palette{color.Black}), nil)
		}),
		"a bomb": huge, "half a PNG": small[:len(small)/2], "too wide": encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, image.NewGray(image.Rect(0, 0, 4001, 1))) }),
	} {
		if got, err := picture.Logo(raw); !errors.Is(err, picture.ErrPicture) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
}
