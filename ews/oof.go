package ews

import (
	"context"
	"errors"
	"regexp"
	"time"

	"github.com/availd/availd/directory"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/internal/xmlsec"
	"github.com/availd/availd/mailbox/timezone"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

const nsXML = "http://www.w3.org/XML/1998/namespace" // of xml:lang

// utcTime is how the times of automatic replies are written.
const utcTime = "2006-01-02T15:04:05Z"

// getUserOofSettings answers m:GetUserOofSettingsRequest ([MS-OXWOOF] 3.1.4.1) for the caller's own mailbox.
func (h *Handler) getUserOofSettings(ctx context.Context, env *soap.Envelope, who orgrel.Requester) ([]byte, error) {
	if err := order(env.Payload, nsTypes+" Mailbox"); err != nil {
		return nil, err
	}
	of, err := readOwner(env.Payload)
	var settings *directory.OofSettings
	if err == nil {
		settings, err = h.o.Directory.Oof(ctx, who, of)
	}
	failed, err := inAnswer(ctx, err)
	if err != nil {
		return nil, err
	}
	dst := []byte(`<GetUserOofSettingsResponse xmlns="` + nsMessages + `" xmlns:t="` + nsTypes + `">`)
	dst = append(appendStatus(dst, "ResponseMessage", failed), "</ResponseMessage>"...)
	if failed == nil {
		dst = appendOofSettings(dst, "OofSettings", *settings)
		dst = append(dst, "<AllowExternalOof>All</AllowExternalOof>"...) // what a user may choose is not limited here
	}
	return append(dst, "</GetUserOofSettingsResponse>"...), nil
}

// setUserOofSettings answers m:SetUserOofSettingsRequest ([MS-OXWOOF] 3.1.4.2) for the caller's own mailbox.
func (h *Handler) setUserOofSettings(ctx context.Context, env *soap.Envelope, who orgrel.Requester) ([]byte, error) {
	if err := order(env.Payload, nsTypes+" Mailbox", nsTypes+" UserOofSettings"); err != nil {
		return nil, err
	}
	e, err := required(env.Payload, nsTypes, "UserOofSettings")
	if err != nil {
		return nil, err
	}
	settings, err := readOofSettings(e)
	if err == nil && settings.State != directory.OofDisabled && (e.Count(nsTypes, "InternalReply") == 0 || e.Count(nsTypes, "ExternalReply") == 0) {
		err = fault.Because(fault.InvalidUserOofSettings, nil) // an empty one is enough: it is not sent
	}
	var of smtpaddr.Address
	if err == nil {
		of, err = readOwner(env.Payload)
	}
	if err == nil {
		err = h.o.Directory.SetOof(ctx, who, of, settings)
	}
	failed, err := inAnswer(ctx, err)
	if err != nil {
		return nil, err
	}
	dst := []byte(`<SetUserOofSettingsResponse xmlns="` + nsMessages + `" xmlns:t="` + nsTypes + `">`)
	return append(appendStatus(dst, "ResponseMessage", failed), "</ResponseMessage></SetUserOofSettingsResponse>"...), nil
}

// readOwner reads whose automatic replies are meant; *fault.Error InvalidSMTPAddress where that is no SMTP address.
func readOwner(req xmlsec.Element) (a smtpaddr.Address, err error) {
	e, err := required(req, nsTypes, "Mailbox")
	if err != nil {
		return a, err
	}
	if err := order(e, nsTypes+" Name", nsTypes+" Address", nsTypes+" RoutingType"); err != nil {
		return a, err
	}
	address, err := required(e, nsTypes, "Address")
	if err != nil {
		return a, err
	}
	text, err := textOf(address)
	if err != nil {
		return a, err
	}
	if !smtp(e.Child(nsTypes, "RoutingType")) {
		return a, fault.Because(fault.InvalidSMTPAddress, errors.New("the routing type is not SMTP"))
	}
	if a, err = smtpaddr.ParseProxyAddress(text); err != nil {
		return a, fault.Because(fault.InvalidSMTPAddress, err)
	}
	return a, nil
}

// readOofSettings reads a UserOofSettings. Times without offset are UTC. What newer clients say of events while they are
// away is checked and not kept.
func readOofSettings(e xmlsec.Element) (s directory.OofSettings, err error) {
	if err := order(e, nsTypes+" OofState", nsTypes+" ExternalAudience", nsTypes+" Duration", nsTypes+" InternalReply", nsTypes+" ExternalReply", nsTypes+" DeclineMeetingReply",
		nsTypes+" DeclineEventsForScheduledOOF", nsTypes+" DeclineAllEventsForScheduledOOF", nsTypes+" CreateOOFEvent", nsTypes+" OOFEventSubject",
		nsTypes+" AutoDeclineFutureRequestsWhenOOF", nsTypes+" OOFEventID", nsTypes+" EventsToDeleteIDs"); err != nil {
		return s, err
	}
	state, err := readOneOf(e, "OofState", string(directory.OofDisabled), string(directory.OofEnabled), string(directory.OofScheduled))
	if err != nil {
		return s, err
	}
	audience, err := readOneOf(e, "ExternalAudience", string(directory.AudienceNone), string(directory.AudienceKnown), string(directory.AudienceAll))
	if err != nil {
		return s, err
	}
	s.State, s.ExternalAudience = directory.OofState(state), directory.ExternalAudience(audience)
	if d := e.Child(nsTypes, "Duration"); !d.IsZero() {
		if s.Start, s.End, err = readSpan(d); err != nil {
			return s, err
		}
	}
	for _, name := range []string{"DeclineEventsForScheduledOOF", "DeclineAllEventsForScheduledOOF", "CreateOOFEvent", "AutoDeclineFutureRequestsWhenOOF"} {
		if err := oneOf(e.Child(nsTypes, name), "true", "false", "1", "0"); err != nil {
			return s, err
		}
	}
	if s.InternalReply, err = readReply(e.Child(nsTypes, "InternalReply")); err != nil {
		return s, err
	}
	if s.ExternalReply, err = readReply(e.Child(nsTypes, "ExternalReply")); err != nil {
		return s, err
	}
	_, err = readReply(e.Child(nsTypes, "DeclineMeetingReply"))
	return s, err
}

// readOneOf reads a child of an enumeration that must be there.
func readOneOf(e xmlsec.Element, name string, values ...string) (string, error) {
	c, err := required(e, nsTypes, name)
	if err != nil {
		return "", err
	}
	if err := oneOf(c, values...); err != nil {
		return "", err
	}
	return textOf(c)
}

// readSpan reads a Duration whose times without offset are UTC.
func readSpan(d xmlsec.Element) (start, end time.Time, err error) {
	if err = order(d, nsTypes+" StartTime", nsTypes+" EndTime"); err != nil {
		return start, end, err
	}
	if start, err = readDateTime(d, "StartTime", timezone.UTC()); err != nil {
		return start, end, err
	}
	end, err = readDateTime(d, "EndTime", timezone.UTC())
	return start, end, err
}

var language = regexp.MustCompile(`^[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8}){0,8}$`) // xs:language

// readReply reads a ReplyBody, the text as it is; an xml:lang that is no language is left out.
func readReply(e xmlsec.Element) (r directory.OofReply, err error) {
	if err = order(e, nsTypes+" Message"); err != nil {
		return r, err
	}
	message := e.Child(nsTypes, "Message")
	if r.Message, err = message.Text(); err != nil {
		return r, soap.Schema(message, err.Error())
	}
	if lang, _ := e.AttrNS(nsXML, "lang"); language.MatchString(lang) {
		r.Lang = lang
	}
	return r, nil
}

// appendOofSettings writes a UserOofSettings with both replies.
func appendOofSettings(dst []byte, name string, s directory.OofSettings) []byte {
	dst = append(dst, "<t:"+name+"><t:OofState>"+string(s.State)+"</t:OofState><t:ExternalAudience>"+string(s.ExternalAudience)+"</t:ExternalAudience>"...)
	if !s.Start.IsZero() || !s.End.IsZero() {
		dst = appendSpan(dst, s.Start, s.End)
	}
	dst = appendReply(dst, "InternalReply", s.InternalReply)
	dst = appendReply(dst, "ExternalReply", s.ExternalReply)
	return append(dst, "</t:"+name+">"...)
}

// appendSpan writes a Duration in UTC.
func appendSpan(dst []byte, start, end time.Time) []byte {
	return append(dst, "<t:Duration><t:StartTime>"+start.UTC().Format(utcTime)+"</t:StartTime><t:EndTime>"+end.UTC().Format(utcTime)+"</t:EndTime></t:Duration>"...)
}

func appendReply(dst []byte, name string, r directory.OofReply) []byte {
	dst = append(dst, "<t:"+name...)
	if r.Lang != "" {
		dst = attr(dst, "xml:lang", r.Lang)
	}
	dst = xmlsec.AppendText(append(dst, "><t:Message>"...), r.Message)
	return append(dst, "</t:Message></t:"+name+">"...)
}
