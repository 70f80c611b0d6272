// Package storage is the bridge's sink that keeps reports in a store: every report for as long as reports are kept, and the
// last one of each device, with what happened to it, for ever.
package storage
