package xmlsec

// Namespaces and algorithm identifiers (federation tokens: XML-DSig, XML-Enc, WS-Security 1.0/1.1, SAML token profile).
const (
	NSDS    = "http://www.w3.org/2000/09/xmldsig#"
	NSXENC  = "http://www.w3.org/2001/04/xmlenc#"
	NSWSSE  = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
	NSWSU   = nsWSU
	NSSAML  = "urn:oasis:names:tc:SAML:1.0:assertion"
	NSWST   = "http://schemas.xmlsoap.org/ws/2005/02/trust"
	algC14N = "http://www.w3.org/2001/10/xml-exc-c14n#"

	algEnveloped  = NSDS + "enveloped-signature"
	algRSASHA1    = NSDS + "rsa-sha1"
	algRSASHA256  = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
	algHMACSHA1   = NSDS + "hmac-sha1"
	algHMACSHA256 = "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"
	algSHA1       = NSDS + "sha1"
	algSHA256     = NSXENC + "sha256"
	algOAEP       = NSXENC + "rsa-oaep-mgf1p"
	alg3DES       = NSXENC + "tripledes-cbc"
	algAES128     = NSXENC + "aes128-cbc"
	algAES256     = NSXENC + "aes256-cbc"

	typeElement = NSXENC + "Element"

	x509Profile     = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0"
	ValueTypeSKI    = x509Profile + "#X509SubjectKeyIdentifier"
	valueThumbprint = "http://docs.oasis-open.org/wss/oasis-wss-soap-message-security-1.1#ThumbprintSHA1"
	ValueTypeSAMLID = "http://docs.oasis-open.org/wss/oasis-wss-saml-token-profile-1.0#SAMLAssertionID"
	EncodingBase64  = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"
)
