package topics

// Limits that hold on every broker Muster supports.
const (
	// MaxPayload is the largest payload in bytes that Muster sends or accepts. It stays below the limit
	// of the hosted brokers (128 KB) and keeps a fan-out to many devices affordable.
	MaxPayload = 64 << 10
	// MaxConfig is the largest encoded config in bytes. It leaves room in MaxPayload for the envelope of
	// a check-in reply, so that whatever can be retained can also be asked for.
	MaxConfig = MaxPayload - 512
	// WarnConfig is the size in bytes above which a config is worth a warning: MQTT Explorer shows no
	// more than the first 20,000 bytes of a message.
	WarnConfig = 16 << 10
	// MaxTopic is the longest topic name or filter in bytes.
	MaxTopic = 256
	// MaxLevels is the largest number of topic levels: seven slashes, as AWS IoT Core allows.
	MaxLevels = 8
	// MaxName is the longest device_group or device name in bytes.
	MaxName = 64
	// MaxAppName is the longest app name in bytes.
	MaxAppName = 128
	// MaxRequestID is the longest request_id of a check-in in bytes.
	MaxRequestID = 64
)
