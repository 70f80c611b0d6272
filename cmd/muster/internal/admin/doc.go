// Package admin is the commands by which an admin asks a manager for something, over its REST API.
package admin
