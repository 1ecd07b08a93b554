package ews

import (
	"context"
	"errors"
	"fmt"

	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/internal/xmlsec"
)

// openRequest opens the element of a request, with attributes that begin with a space.
func openRequest(element, attributes string) []byte {
	return []byte("<m:" + element + ` xmlns:m="` + nsMessages + `" xmlns:t="` + nsTypes + `"` + attributes + ">")
}

// call sends the body of an operation. The error of a refused request is an [*Error].
func (c *Client) call(ctx context.Context, operation string, body []byte) (*soap.Envelope, error) {
	action := nsMessages + "/" + operation
	headers := []byte(`<t:RequestServerVersion xmlns:t="` + nsTypes + `" Version="Exchange2013"></t:RequestServerVersion>`)
	if c.Header != nil {
		h, err := c.Header(ctx, c.URL, action)
		if err != nil {
			return nil, err
		}
		headers = append(headers, h...)
	}
	env, err := soap.Post(ctx, c.HTTP, soap.Request{URL: c.URL, Version: soap.V11, Action: action, UserAgent: c.UserAgent,
		Header: c.RequestHeader, Username: c.Username, Password: c.Password, Body: soap.Append(nil, soap.V11, "", headers, body)})
	if f, ok := errors.AsType[*soap.Fault](err); ok {
		return nil, &Error{Code: f.Code, ResponseCode: f.ResponseCode, Message: f.String, Security: f.Security(), BackOff: f.BackOff}
	}
	return env, err
}

// ask sends the body of an operation and returns its response element.
func (c *Client) ask(ctx context.Context, operation string, body []byte) (xmlsec.Element, error) {
	env, err := c.call(ctx, operation, body)
	if err != nil {
		return xmlsec.Element{}, err
	}
	if !env.Payload.Is(nsMessages, operation+"Response") {
		return xmlsec.Element{}, lie("it is a %.60s", env.Payload.Local())
	}
	return env.Payload, nil
}

// rows sends the body of an operation and returns the n response messages of its answer.
func (c *Client) rows(ctx context.Context, operation string, body []byte, n int) ([]xmlsec.Element, error) {
	resp, err := c.ask(ctx, operation, body)
	if err != nil {
		return nil, err
	}
	return messagesIn(resp, operation+"ResponseMessage", n)
}

// messagesIn finds the response messages of an answer, of which there must be n.
func messagesIn(resp xmlsec.Element, name string, n int) ([]xmlsec.Element, error) {
	var out []xmlsec.Element
	for r := range resp.Child(nsMessages, "ResponseMessages").Children() {
		if !r.Is(nsMessages, name) || len(out) == n {
			return nil, lie("it holds %.60s, or more rows than %d", r.Local(), n)
		}
		out = append(out, r)
	}
	if len(out) != n {
		return nil, lie("%d rows instead of %d", len(out), n)
	}
	return out, nil
}

// each reads response messages by position: what the endpoint refuses of one concerns that one alone.
func each[T any](rows []xmlsec.Element, refused func(*Error) T, read func(xmlsec.Element) (T, error)) ([]T, error) {
	out := make([]T, len(rows))
	for i, r := range rows {
		refusal, err := refusalIn(r)
		switch {
		case err != nil:
			return nil, err
		case refusal != nil:
			out[i] = refused(refusal)
		default:
			if out[i], err = read(r); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// onlyMessage finds the one message of ResponseMessages, where it is no error.
func onlyMessage(resp xmlsec.Element, name string) (xmlsec.Element, error) {
	message, err := resp.Child(nsMessages, "ResponseMessages").Only(nsMessages, name)
	if err != nil {
		return message, lie("%s", err)
	}
	return message, succeeded(message)
}

// refusalIn reads the status of a ResponseMessageType: the failure that it tells, which is that of its row alone, or nil.
// The error is of a status that makes no sense.
func refusalIn(message xmlsec.Element) (*Error, error) {
	class, _ := message.Attr("ResponseClass")
	said := saidIn(message)
	switch code := said.ResponseCode; {
	case class == "Error" && code != "" && code != "NoError":
		return said, nil
	case class == "Success" && code == "NoError", class == "Warning" && code != "":
		return nil, nil
	}
	return nil, lie("its class is %.40q and its code %.60q", class, said.ResponseCode)
}

// succeeded is refusalIn where there is but one row; a failure that it tells is an [*Error].
func succeeded(message xmlsec.Element) error {
	refusal, err := refusalIn(message)
	if refusal != nil {
		return refusal
	}
	return err
}

// saidIn is the failure that a response message tells.
func saidIn(message xmlsec.Element) *Error {
	return &Error{ResponseCode: soap.Said(message.Child(nsMessages, "ResponseCode")), Message: soap.Said(message.Child(nsMessages, "MessageText"))}
}

// lie is the error of an answer that is not what was asked.
func lie(format string, args ...any) error {
	return fmt.Errorf("the answer is not what was asked: "+format, args...)
}
