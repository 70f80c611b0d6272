package topics

import "encoding/json"

// FleetProtocol is what a client names among its protocols in the TLS handshake (ALPN, RFC 7301), beside the one that it
// speaks, to be shown the certificate of the fleet's own authority where a manager has another as well. It is for devices,
// which may trust no other authority. A server that does not know it has but one certificate.
const FleetProtocol = "muster-fleet"

// A CertificateRequest asks for a device's certificate: the payload of an [EnrollRequest] topic, with an enrollment token,
// and of a [DeviceRenew] topic, without. The same goes over HTTPS.
type CertificateRequest struct {
	// RequestID comes back in the reply: see [CheckinRequest].
	RequestID string `json:"request_id"`
	// Token is the enrollment token.
	Token string `json:"token,omitempty"`
	// CSR is a certificate request (PKCS #10, RFC 2986) in PEM, signed by the device's key. Its common name is the device.
	CSR string `json:"csr"`
}

// MaxCSR is the largest certificate request in bytes of PEM, and MaxToken the longest enrollment token.
const (
	MaxCSR   = 8 << 10
	MaxToken = 256
)

// Encode validates and marshals r.
func (r CertificateRequest) Encode() ([]byte, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	return json.Marshal(r)
}

// ParseCertificateRequest reads and checks a request. What the CSR holds is not looked into. Errors are [FieldError]s, and
// hold no token. The RequestID is returned even when another field is wrong, so that the refusal can name it.
func ParseCertificateRequest(payload []byte) (CertificateRequest, error) {
	var r CertificateRequest
	err := unmarshal(payload, &r)
	if err == nil {
		err = r.check()
	}
	if err == nil {
		return r, nil
	}
	if checkRequestID(r.RequestID) != nil {
		r.RequestID = ""
	}
	return CertificateRequest{RequestID: r.RequestID}, err
}

func (r CertificateRequest) check() error {
	switch {
	case len(r.Token) > MaxToken:
		return fieldErrorf("token", "has %d characters, at most %d are allowed", len(r.Token), MaxToken)
	case r.CSR == "" || len(r.CSR) > MaxCSR:
		return fieldErrorf("csr", "must be a certificate request in PEM of at most %d bytes, has %d", MaxCSR, len(r.CSR))
	}
	return checkRequestID(r.RequestID)
}

// States of a [CertificateReply].
const (
	// Issued says that the certificate is in the reply.
	Issued = "issued"
	// Pending says that an admin has to approve of the device; it asks again.
	Pending = "pending"
	// Refused says that there will be none, and Error why.
	Refused = "refused"
	// Retry says that the manager cannot tell for now, and Error why; the device asks again.
	Retry = "retry"
)

// A CertificateReply is the answer: the payload of an [EnrollReply] and of a [DeviceCertificate] topic.
type CertificateReply struct {
	// RequestID is that of the request; empty when the request had none that could be read.
	RequestID string `json:"request_id"`
	// State is Issued, Pending, Refused or Retry.
	State string `json:"state"`
	// Error says in one line why; empty when the certificate is Issued or Pending.
	Error string `json:"error,omitempty"`
	// RetryIn asks the device to ask again after that many seconds, when it is Pending or to Retry; 0 leaves it to the device.
	RetryIn int64 `json:"retry_in,omitempty"`

	// What follows is there when it is Issued.

	DeviceGroup string `json:"device_group,omitempty"`
	// Certificate is the device's in PEM, followed by those that it was issued by, the root left out.
	Certificate string `json:"certificate,omitempty"`
	// Authorities are the certificate authorities in PEM that the device has to trust from now on, and no others.
	Authorities string `json:"authorities,omitempty"`
	// RenewIn is in how many seconds the device has to ask for the next certificate, by whatever clock it has.
	RenewIn int64 `json:"renew_in,omitempty"`
	// BrokerURL is the broker to connect to from now on; empty is the one it has.
	BrokerURL string `json:"broker_url,omitempty"`
}

// Encode validates and marshals r.
func (r CertificateReply) Encode() ([]byte, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	return json.Marshal(r)
}

// ParseCertificateReply reads and checks a reply. What the certificates hold is not looked into. Errors are [FieldError]s.
func ParseCertificateReply(payload []byte) (CertificateReply, error) {
	var r CertificateReply
	if err := unmarshal(payload, &r); err != nil {
		return CertificateReply{}, err
	}
	if err := r.check(); err != nil {
		return CertificateReply{}, err
	}
	return r, nil
}

func (r CertificateReply) check() error {
	if r.RequestID != "" {
		if err := checkRequestID(r.RequestID); err != nil {
			return err
		}
	}
	if r.RetryIn < 0 {
		return fieldErrorf("retry_in", "must not be negative, is %d", r.RetryIn)
	}
	switch r.State {
	case Pending:
		return nil
	case Refused, Retry:
		if r.Error == "" {
			return fieldErrorf("error", "must be given when the state is %q", r.State)
		}
		return nil
	case Issued:
	default:
		return fieldErrorf("state", `must be "issued", "pending", "refused" or "retry", is %.40q`, r.State)
	}
	switch {
	case r.Certificate == "":
		return fieldErrorf("certificate", "must be given when the state is %q", Issued)
	case r.Authorities == "":
		return fieldErrorf("authorities", "must be given when the state is %q", Issued)
	case r.RenewIn <= 0:
		return fieldErrorf("renew_in", "must be positive, is %d", r.RenewIn)
	}
	return checkGroupField(r.DeviceGroup)
}
