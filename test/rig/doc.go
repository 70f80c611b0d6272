// Package rig gives tests and the demo the real things to run against: an image registry, container
// images, a container engine, bad networks, and our own programs as a user would start them.
//
// What takes a context and returns an error is for everybody; what takes a [testing.TB] is for tests, fails
// them with what to do about it, and cleans up when they end, however they end. Nothing is ever skipped: a
// machine without one of the parts fails the tests that need it.
//
// The programs that are not ours are in the module test/tools, so that the main module does not depend on
// them. They are built on first use and then come from Go's build cache.
package rig
