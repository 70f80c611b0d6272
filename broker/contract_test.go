package broker

import (
	"testing"

	"muster/broker/client"
	"muster/broker/client/clienttest"
)

// contractBroker is a guarded broker as the contract suite of clients wants it.
type contractBroker struct{ *Server }

func (b contractBroker) URL() string { return "mqtt://manager:secret@" + b.TCPAddr().String() }

func (b contractBroker) Client(_ *testing.T, id string) client.Client { return b.Server.Client(id) }

func (b contractBroker) CloseServer() { _ = b.Close() }

func startContractBroker(t *testing.T) contractBroker {
	return contractBroker{listen(t, func(o *Options) { o.TCPAddr = "127.0.0.1:0" })}
}

func TestClientContract(t *testing.T) {
	clienttest.Run(t, func(t *testing.T) clienttest.Local { return startContractBroker(t) })
	clienttest.RunInProcess(t, func(t *testing.T) clienttest.InProcess { return startContractBroker(t) })
}
