package directory

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"time"

	"github.com/availd/availd/internal/cache"
	"github.com/availd/availd/internal/fault"
)

const (
	scalings   = 2               // at once: each decodes a photo of up to maxPixels
	scaledKept = 256             // photos
	scaledFor  = 24 * time.Hour  // the key follows the photo: nothing is outdated, only unused
	maxPixels  = 4096 * 4096     // what is taken as a photo is no larger
	quality    = 90              // of the JPEG that is made
	scaleWait  = 5 * time.Second // for a place among scalings
)

// Scaler makes smaller photos and remembers them. Only photos from the store are decoded: they were looked at when they
// were taken.
type Scaler struct {
	*cache.Cache[string, []byte] // by PhotoTag
	places                       chan struct{}
}

// NewScaler makes a Scaler. now tells the time.
func NewScaler(now func() time.Time) *Scaler {
	return &Scaler{cache.New[string, []byte](scaledKept, now), make(chan struct{}, scalings)}
}

// fit returns the photo as it is where it is small enough, else one that fits.
func (s *Scaler) fit(ctx context.Context, data []byte, tag string, size PhotoSize) ([]byte, error) {
	if made, ok := s.Get(tag); ok {
		return made, nil
	}
	c, err := jpeg.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, fault.Because(fault.Internal, fmt.Errorf("a stored photo: %w", err))
	}
	to := within(image.Pt(c.Width, c.Height), size)
	switch {
	case to.X == c.Width && to.Y == c.Height:
		return data, nil
	case c.Width*c.Height > maxPixels:
		return nil, fault.Because(fault.Internal, fmt.Errorf("a stored photo has %d x %d pixels", c.Width, c.Height))
	}
	ctx, cancel := context.WithTimeout(ctx, scaleWait)
	defer cancel()
	select {
	case s.places <- struct{}{}:
		defer func() { <-s.places }()
	case <-ctx.Done():
		return nil, fault.Because(fault.ServerBusy, fmt.Errorf("%d photos are being scaled: %w", scalings, ctx.Err()))
	}
	if data, err = scaled(data, to); err != nil {
		return nil, fault.Because(fault.Internal, fmt.Errorf("a stored photo: %w", err))
	}
	s.Put(tag, data, scaledFor, 0)
	return data, nil
}

// within is the largest size of the same shape that fits the frame and is not larger than from.
func within(from image.Point, frame PhotoSize) image.Point {
	w := min(frame.Width, from.X)
	h := from.Y * w / from.X
	if frame.Height > 0 && h > frame.Height {
		h = frame.Height
		w = from.X * h / from.Y
	}
	return image.Pt(max(w, 1), max(h, 1))
}

// scaled decodes a photo and makes it smaller: each new pixel is the mean of those it stands for. Beside the decoded photo
// it holds one row of sums.
func scaled(data []byte, to image.Point) ([]byte, error) {
	img, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	from, at := img.Bounds(), pixels(img)
	out := image.NewRGBA(image.Rectangle{Max: to})
	row, column := make([]sum, to.X), make([]int, from.Dx())
	for x := range column {
		column[x] = x * to.X / from.Dx()
	}
	for y := range from.Dy() {
		for x, c := range column {
			row[c].add(at(from.Min.X+x, from.Min.Y+y))
		}
		line := y * to.Y / from.Dy()
		if (y+1)*to.Y/from.Dy() == line {
			continue
		}
		for x := range row {
			out.SetRGBA(x, line, row[x].mean())
		}
		clear(row)
	}
	var b bytes.Buffer
	err = jpeg.Encode(&b, out, &jpeg.Options{Quality: quality})
	return b.Bytes(), err
}

// sum is of the colours of some pixels.
type sum struct{ r, g, b, n uint64 }

func (s *sum) add(r, g, b uint8) {
	s.r, s.g, s.b, s.n = s.r+uint64(r), s.g+uint64(g), s.b+uint64(b), s.n+1
}

func (s *sum) mean() color.RGBA {
	return color.RGBA{uint8((s.r + s.n/2) / s.n), uint8((s.g + s.n/2) / s.n), uint8((s.b + s.n/2) / s.n), 0xFF}
}

// pixels reads a decoded JPEG: the colour models of photos without an allocation for each pixel.
func pixels(img image.Image) func(x, y int) (r, g, b uint8) {
	switch p := img.(type) {
	case *image.YCbCr:
		return func(x, y int) (r, g, b uint8) {
			c := p.COffset(x, y)
			return color.YCbCrToRGB(p.Y[p.YOffset(x, y)], p.Cb[c], p.Cr[c])
		}
	case *image.Gray:
		return func(x, y int) (r, g, b uint8) {
			v := p.GrayAt(x, y).Y
			return v, v, v
		}
	}
	return func(x, y int) (r, g, b uint8) {
		wr, wg, wb, _ := img.At(x, y).RGBA()
		return uint8(wr >> 8), uint8(wg >> 8), uint8(wb >> 8)
	}
}
