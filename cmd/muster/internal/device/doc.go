// Package device shows people what managers know of a device.
package device
