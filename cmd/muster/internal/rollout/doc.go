// Package rollout follows a fleet while it takes up a change: what is wanted, who is at it, who is done, who fails.
package rollout
