package admin

import (
	"bytes"
	"image"
	"image/jpeg"
	"strings"
	"testing"

	"github.com/availd/availd/internal/fault"
)

// manyScans is a grey progressive JPEG of 4096 x 4096 pixels with n scans that say nothing: 29 bytes each, and each visits
// all 262,144 blocks.
func manyScans(n int) []byte {
	b := []byte("\xFF\xD8" +
		"\xFF\xDB\x00\x43\x00" + strings.Repeat("\x01", 64) + // quantization
		"\xFF\xC2\x00\x0B\x08\x10\x00\x10\x00\x01\x01\x11\x00" + // SOF2: one component
		"\xFF\xC4\x00\x14\x10\x01" + strings.Repeat("\x00", 15) + "\xE0") // one code, 0: a run of at least 16384 empty blocks
	bits := strings.Repeat("0"+"10101010101010", 10) // runs of 27306 blocks
	var data []byte
	for i := 0; i < len(bits); i += 8 {
		v := byte(0)
		for _, bit := range (bits + "1111111")[i : i+8] {
			v = v<<1 | byte(bit-'0')
		}
		data = append(data, v)
	}
	for range n {
		b = append(append(b, "\xFF\xDA\x00\x08\x01\x01\x00\x01\x01\x00"...), data...)
	}
	return append(b, "\xFF\xD9"...)
}

// What is kept is decoded again whenever somebody asks for another size.
func TestAPhotoIsKeptOnlyIfItCanBeDecodedAndSoonIs(t *testing.T) {
	var good bytes.Buffer
	if err := jpeg.Encode(&good, image.NewGray(image.Rect(0, 0, 64, 48)), nil); err != nil {
		t.Fatal(err)
	}
	if w, h, err := checkPhoto("good.jpg", good.Bytes()); err != nil || w != 64 || h != 48 {
		t.Errorf("%d x %d: %v", w, h, err)
	}
	if _, _, err := checkPhoto("few.jpg", manyScans(2)); err != nil {
		t.Errorf("a progressive photo: %v", err)
	}
	for name, data := range map[string][]byte{
		"bomb.jpg": manyScans(17_000),
		"half.jpg": good.Bytes()[:good.Len()/2],
		"head.jpg": append(good.Bytes()[:len(good.Bytes())-40:len(good.Bytes())-40], "\xFF\xD9"...),
	} {
		if _, _, err := checkPhoto(name, data); fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), name) {
			t.Errorf("%s of %d bytes: %v", name, len(data), err)
		}
	}
}
