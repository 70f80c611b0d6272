package api_test

import (
	"context"
	"io"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"muster/manager/api"
	"muster/topics"
)

// atATime is how many requests for certificates are answered at a time.
const atATime = 64

// A slowBody is one that tells when it is read, and ends when released.
type slowBody struct{ reading, released chan struct{} }

func (b slowBody) Read([]byte) (int, error) {
	b.reading <- struct{}{}
	<-b.released
	return 0, io.EOF
}

// A slowDesk tells when it is asked, and answers when released.
type slowDesk struct {
	api.Enrollment
	asked, released chan struct{}
}

func (d slowDesk) EnrollNamed(context.Context, topics.CertificateRequest) topics.CertificateReply {
	d.asked <- struct{}{}
	<-d.released
	return topics.CertificateReply{RequestID: "r1", State: topics.Refused, Error: "too late"}
}

func TestWhoIsSlowToAskKeepsNobodyFromEnrolling(t *testing.T) {
	m := newManager(t)
	m.fill()
	token := m.enrollToken("")
	body := slowBody{make(chan struct{}), make(chan struct{})}
	var asking sync.WaitGroup
	for range 2 * atATime {
		asking.Go(func() { m.bare.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/api/v2/enroll", body)) })
		<-body.reading
	}
	if status, reply := m.asks("d1", token); status != 200 || reply.State != topics.Issued {
		t.Errorf("the answer is %d %+v", status, reply)
	}
	close(body.released)
	asking.Wait()
}

func TestTooManyAskForCertificates(t *testing.T) {
	desk := slowDesk{asked: make(chan struct{}), released: make(chan struct{})}
	s := openStore(t)
	m := newManagerWith(t, s, func(o *api.Options) { desk.Enrollment, o.Enrollment = o.Enrollment, desk })
	request := enrollBody(t, "d1", "x")
	var asking sync.WaitGroup
	for range atATime {
		asking.Go(func() {
			m.bare.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/api/v2/enroll", strings.NewReader(request)))
		})
		<-desk.asked
	}
	if status, reply := m.asks("d1", "x"); status != 503 || reply.State != topics.Retry || reply.RequestID != "r1" || reply.RetryIn < 1 {
		t.Errorf("the answer is %d %+v", status, reply)
	}
	close(desk.released)
	asking.Wait()
}
