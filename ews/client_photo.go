package ews

import (
	"bytes"
	"context"
	"encoding/base64"

	"github.com/availd/availd/directory"
	"github.com/availd/availd/internal/xmlsec"
)

// maxPicture is the largest photo that an endpoint may answer, in bytes: stored ones are at most 500 KB.
const maxPicture = 1 << 20

var jpegMagic = []byte{0xFF, 0xD8, 0xFF}

// GetUserPhoto asks for the photo of q's person, by her Address, in a size of [directory.ParsePhotoSize]; it may come smaller,
// never larger than 1 MiB. Requester is not sent. Where there is no photo the error is an [*Error] with the ResponseCode
// ErrorItemNotFound. What is answered is a JPEG by its first bytes; nothing of it is decoded.
func (c *Client) GetUserPhoto(ctx context.Context, q directory.PhotoQuery) (*directory.Picture, error) {
	body := xmlsec.AppendText(append(openRequest("GetUserPhoto", ""), "<m:Email>"...), q.Person.Address.String())
	body = append(body, "</m:Email><m:SizeRequested>"+q.Size.String()+"</m:SizeRequested></m:GetUserPhoto>"...)
	r, err := c.ask(ctx, "GetUserPhoto", body)
	if err != nil {
		return nil, err
	}
	if err := succeeded(r); err != nil {
		return nil, err
	}
	text, err := textOf(r.Child(nsMessages, "PictureData"))
	if err != nil {
		return nil, err
	}
	data, err := base64.StdEncoding.DecodeString(text)
	switch {
	case err != nil:
		return nil, lie("PictureData is not base64")
	case len(data) == 0:
		return nil, &Error{ResponseCode: "ErrorItemNotFound", Message: "The answer holds no photo."}
	case len(data) > maxPicture || !bytes.HasPrefix(data, jpegMagic):
		return nil, lie("a photo of %d bytes, or not a JPEG", len(data))
	}
	return &directory.Picture{Data: data, ETag: directory.PhotoTag(data, q.Size)}, nil
}
