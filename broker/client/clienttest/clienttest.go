// Package clienttest is the contract of [client.Client] as a test suite. Every implementation runs [Run],
// and one of two more: [RunRemote] when its broker is apart from it, reached over a network and able to
// disappear, or [RunInProcess] when client and broker live and die together.
//
// The suite brings what it needs besides the implementation: a [Peer], which is another MQTT client that
// shares no code with the implementations beyond the packet library, and a [Proxy], with which it breaks
// connections.
//
// All topics it uses are under muster/v1/groups and are those that a broker lets a manager publish and
// subscribe; clients under test and peers have a manager's credentials. [DeniedTopic] is one that a broker
// must refuse them.
package clienttest

import (
	"testing"
	"time"

	"muster/broker/client"
)

// DeniedTopic is a valid topic that the broker must not let a manager publish to: the check-ins of a
// device.
const DeniedTopic = "muster/v1/devices/denied/checkin"

// patience is how long the suite waits for something that must happen. It is far above what any of it
// takes, so that a slow machine fails no test.
const patience = 20 * time.Second

// A Broker is a broker that is up and holds nothing, made for one test.
type Broker interface {
	// URL is where peers reach the broker, as mqtt://user:password@host:port with a manager's credentials.
	URL() string
}

// A Local makes clients under test that need no address. Their implementation chooses how to reach the
// broker.
type Local interface {
	Broker
	// Client returns a new client with that id. The suite closes it.
	Client(t *testing.T, id string) client.Client
}

// A Remote is a Broker that can be killed.
type Remote interface {
	Broker
	// Stop kills the broker without goodbyes. It comes back empty.
	Stop()
	// Start starts it again at the same URL, and returns when it accepts connections.
	Start()
}

// An InProcess is a Local whose broker ends with the process.
type InProcess interface {
	Local
	// CloseServer ends the broker that the clients belong to.
	CloseServer()
}

// DialOptions say what client [RunRemote] needs.
type DialOptions struct {
	URL, ID string
	// Will, when not nil, gives the will of each connection.
	Will func() *client.Message
}

// A Dialer makes a client under test that connects by itself, retries within a few hundred milliseconds,
// and notices a broken connection at once when it is closed.
type Dialer func(t *testing.T, o DialOptions) client.Client

// Run tests what every client does while its broker is there. start brings a new broker for each test.
func Run(t *testing.T, start func(t *testing.T) Local) {
	for name, test := range map[string]func(*testing.T, Local){
		"publishes in order":                          testPublishOrder,
		"receives in order":                           testReceiveOrder,
		"QoS 1 is acknowledged without subscribers":   testAckWithoutSubscribers,
		"carries properties":                          testProperties,
		"carries any payload":                         testPayloads,
		"replays retained messages":                   testRetainedReplay,
		"clears retained messages":                    testRetainedClear,
		"refused publish":                             testRefusedPublish,
		"invalid messages":                            testInvalidMessage,
		"publish with an ended context":               testEndedContext,
		"invalid subscriptions":                       testInvalidSubscription,
		"subscribing again replaces the handler":      testReplaceHandler,
		"subscribing in a handler":                    testSubscribeInHandler,
		"one member of a shared subscription":         testSharedAlone,
		"overlapping filters":                         testOverlap,
		"wildcards":                                   testWildcards,
		"hears itself":                                testHearsItself,
		"OnUp at once":                                testOnUpAtOnce,
		"OnUp comes after subscriptions, may publish": testOnUpAfterSubscriptions,
		"handlers do not overlap":                     testHandlersDoNotOverlap,
		"close waits for handlers":                    testCloseWaits,
		"everything after close":                      testAfterClose,
		"close leaves no goroutine":                   testNoGoroutineLeft,
	} {
		t.Run(name, func(t *testing.T) { test(t, start(t)) })
	}
}

// RunRemote tests what a client does when its broker or the network fails. The broker must have shared
// subscriptions.
func RunRemote(t *testing.T, start func(t *testing.T) Remote, dial Dialer) {
	for name, test := range map[string]func(*testing.T, Remote, Dialer){
		"broker comes up later":                    testBrokerComesUpLater,
		"broker is killed and comes back empty":    testBrokerRestart,
		"connection is cut":                        testConnectionCut,
		"session is taken over":                    testTakenOver,
		"retained messages on every connection":    testRetainedOnEveryConnection,
		"subscribing while there is no connection": testSubscribeWhileDown,
		"publish during a break":                   testPublishDuringBreak,
		"will after a break, asked each time":      testWillAfterBreak,
		"no will after close":                      testNoWillAfterClose,
		"members of a shared subscription":         testSharedTogether,
		"close while there is no broker":           testCloseWhileDown,
		"reconnecting leaves no goroutine":         testNoGoroutineAfterReconnects,
	} {
		t.Run(name, func(t *testing.T) { test(t, start(t), dial) })
	}
}

// RunInProcess tests the end of a broker that lives in the client's process. Such a client is connected
// from the moment it is made; "not connected yet" does not exist for it, and it does not come back.
func RunInProcess(t *testing.T, start func(t *testing.T) InProcess) {
	t.Run("server is closed", func(t *testing.T) { testServerClosed(t, start(t)) })
}
