// Package checkin answers the check-ins of devices: "what should I run?".
//
// Data flows one way: a request comes in on a device's [topics.DeviceCheckin] topic, [Answer] decides, and the
// reply goes out on the same device's [topics.DeviceReply] topic. Configs come from memory and go out as the
// very bytes that are published. A manager that has more to answer than it can asks devices to come
// less often, and at worst drops requests, which devices repeat.
package checkin
