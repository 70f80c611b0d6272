// Package devices knows the devices: who is connected, what each has applied, and what fails.
//
// It comes from two places. The status topics tell at once and cost no write; the store's heads tell of devices
// that are not connected, also after a broker that forgot everything. See docs/decisions/bridge.md.
package devices
