package attack

import "slices"

// malformed has wrong packets of every type that MQTT knows, and of those that it does not; none is too long for the length it gives.
var malformed = map[string][]byte{
	"type 0":                              {0x00, 0},
	"a second CONNECT":                    {0x10, 12, 0, 4, 'M', 'Q', 'T', 'T', 5, 2, 0, 0, 0, 0},
	"a CONNECT of half a name":            {0x10, 3, 0, 4, 'M'},
	"a CONNACK":                           {0x20, 3, 0, 0, 0},
	"a PUBLISH without a topic":           {0x30, 3, 0, 0, 0},
	"a PUBLISH of QoS 3":                  {0x36, 8, 0, 1, 'a', 0, 1, 0, 'x', 'x'},
	"a PUBLISH of QoS 2":                  {0x34, 6, 0, 1, 'a', 0, 1, 0},
	"a PUBLISH to a filter":               {0x32, 6, 0, 1, '#', 0, 1, 0},
	"a PUBLISH whose topic goes on":       {0x30, 3, 0xff, 0xff, 'a'},
	"a PUBLISH with a zero in its topic":  {0x32, 7, 0, 2, 'a', 0, 0, 1, 0},
	"a PUBLISH with a topic alias":        {0x32, 9, 0, 1, 'a', 0, 1, 3, 0x23, 0, 9},
	"a PUBLISH whose properties go on":    {0x32, 7, 0, 1, 'a', 0, 1, 0xff, 0x7f},
	"a PUBACK of half a number":           {0x40, 1, 0},
	"a PUBREC of half a number":           {0x50, 1, 0},
	"a PUBREL with the wrong flags":       {0x60, 2, 0, 1},
	"a PUBCOMP of half a number":          {0x70, 1, 0},
	"a SUBSCRIBE without filters":         {0x82, 3, 0, 1, 0},
	"a SUBSCRIBE whose filter has no end": {0x82, 6, 0, 1, 0, 0, 1, 'a'},
	"a SUBSCRIBE with the wrong flags":    {0x80, 7, 0, 1, 0, 0, 1, 'a', 0},
	"a SUBSCRIBE with the number 0":       {0x82, 7, 0, 0, 0, 0, 1, 'a', 0},
	"a SUBACK":                            {0x90, 4, 0, 1, 0, 0},
	"an UNSUBSCRIBE without filters":      {0xa2, 3, 0, 1, 0},
	"an UNSUBSCRIBE whose filter goes on": {0xa2, 6, 0, 1, 0, 0, 9, 'a'},
	"an UNSUBACK":                         {0xb0, 4, 0, 1, 0, 0},
	"a PINGREQ with the wrong flags":      {0xcf, 0},
	"a PINGRESP":                          {0xd0, 0},
	"a DISCONNECT with the wrong flags":   {0xe1, 2, 0, 0},
	"a DISCONNECT whose properties go on": {0xe0, 3, 0, 0xff, 0x7f},
	"an AUTH":                             {0xf0, 2, 0x18, 0},
	"a length of five bytes":              {0xc0, 0x80, 0x80, 0x80, 0x80, 0x01},
	"a packet of 256 MB":                  {0x30, 0xff, 0xff, 0xff, 0x7f, 0, 1, 'a'},
	"a request to a web server":           []byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
}

// vandals send what is no MQTT, before they have logged in and after.
func vandals() []row {
	var rows []row
	for what, packet := range malformed {
		send := func(w *wire) string {
			// An answer to the ping behind it would show that it was overlooked.
			if _, err := w.Write(append(slices.Clone(packet), 0xc0, 0)); err != nil {
				return outcome(err)
			}
			return w.answer()
		}
		if packet[0] != 0x10 || len(packet) < 10 {
			rows = append(rows, row{what + " before CONNECT", []string{overTLS}, func(a *attempt) string {
				w, err := a.dial(a.over, nil)
				if err != nil {
					return outcome(err)
				}
				defer w.Close()
				return send(w)
			}, theEnd, byAddress})
		}
		rows = append(rows, row{what, mqtt, func(a *attempt) string {
			return send(a.in(a.device()))
		}, theEnd, "such a packet"})
	}
	return rows
}
