package wssecurity

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/internal/xmlsec"
)

const anonymous = soap.NSWSA + "/anonymous"

// ProofParams are the inputs of ProofHeaders.
type ProofParams struct {
	To, Action, MessageID string
	Token                 []byte // EncryptedData, byte for byte as the gateway sent it
	ProofKey              []byte
	AssertionID           string
	Algorithm             xmlsec.SignatureAlgorithm // HMACSHA256 or HMACSHA1
	Now                   time.Time
}

// ProofHeaders returns the header blocks of a message to a partner: WS-Addressing, and Security with Timestamp, the
// token and the proof-key signature over Timestamp and To.
func ProofHeaders(p ProofParams) ([]byte, error) {
	keyInfo := fmt.Appendf(nil, `<o:SecurityTokenReference xmlns:o="%s"><o:KeyIdentifier ValueType="%s">`, xmlsec.NSWSSE, xmlsec.ValueTypeSAMLID)
	keyInfo = append(xmlsec.AppendText(keyInfo, p.AssertionID), "</o:KeyIdentifier></o:SecurityTokenReference>"...)
	return build(soap.V11, p.To, p.Action, p.MessageID, p.Token, xmlsec.HMACKey(p.ProofKey), p.Algorithm, keyInfo, p.Now)
}

// X509Headers returns the header blocks of a token request (SOAP 1.2), signed by signer over Timestamp and To; the key
// is named by its Subject Key Identifier.
func X509Headers(to, action, messageID string, signer xmlsec.Signer, now time.Time) ([]byte, error) {
	keyInfo := xmlsec.AppendSKI(nil, signer.Certificate.SubjectKeyId)
	return build(soap.V12, to, action, messageID, nil, xmlsec.PrivateKey(signer.Key), signer.Algorithm, keyInfo, now)
}

func build(v soap.Version, to, action, messageID string, token []byte, key xmlsec.Key, alg xmlsec.SignatureAlgorithm, keyInfo []byte, now time.Time) ([]byte, error) {
	now = now.UTC().Truncate(time.Second)
	head := fmt.Appendf(nil, `<a:Action xmlns:a="%s" s:mustUnderstand="1">`, soap.NSWSA)
	head = append(xmlsec.AppendText(head, action), "</a:Action>"...)
	head = fmt.Appendf(head, `<a:MessageID xmlns:a="%s">`, soap.NSWSA)
	head = append(xmlsec.AppendText(head, messageID), "</a:MessageID>"...)
	head = fmt.Appendf(head, `<a:ReplyTo xmlns:a="%s"><a:Address>%s</a:Address></a:ReplyTo><a:To xmlns:a="%s" xmlns:u="%s" s:mustUnderstand="1" u:Id="_1">`,
		soap.NSWSA, anonymous, soap.NSWSA, xmlsec.NSWSU)
	head = append(xmlsec.AppendText(head, to), "</a:To>"...)
	head = fmt.Appendf(head, `<o:Security xmlns:o="%s" s:mustUnderstand="1">`, xmlsec.NSWSSE)
	stamp := timestampID(messageID)
	head = AppendTimestamp(head, stamp, now, now.Add(5*time.Minute))
	const end = "</o:Security>"
	unsigned := append(bytes.Clone(head), end...)
	signature, err := xmlsec.SignDetached(soap.Append(nil, v, "", unsigned, nil), []string{stamp, "_1"}, key, alg, keyInfo)
	if err != nil {
		return nil, err
	}
	head = append(append(head, token...), signature...)
	return append(head, end...), nil
}

// timestampID names the Timestamp after the message. The name is signed with it, so that two messages of one second
// with one token have different signatures and neither is taken for a replay of the other.
func timestampID(messageID string) string {
	return "uuid-" + strings.TrimPrefix(messageID, "urn:uuid:")
}

// AppendTimestamp appends a wsu:Timestamp.
func AppendTimestamp(dst []byte, id string, created, expires time.Time) []byte {
	const layout = "2006-01-02T15:04:05Z"
	return fmt.Appendf(dst, `<u:Timestamp xmlns:u="%s" u:Id="%s"><u:Created>%s</u:Created><u:Expires>%s</u:Expires></u:Timestamp>`,
		xmlsec.NSWSU, id, created.UTC().Format(layout), expires.UTC().Format(layout))
}
