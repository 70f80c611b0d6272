package publish

import "muster/topics"

// held says what a config topic holds, as far as it was seen.
type held int

const (
	unseen     held = iota // nothing was heard since the connection was made
	cleared                // an empty message
	config                 // a config of the topic's group
	unreadable             // anything else
)

// A stamp tells configs of one group apart. Equal stamps are equal configs.
type stamp struct {
	topics.Version
	sha256 string
}

// seen is what was seen on one config topic.
type seen struct {
	held held
	// now is the config that the topic holds; zero unless held is config.
	now stamp
	// newest is the newest config seen since the topic was last cleared. It outlives the connection: a
	// broker that lost everything does not make a newer config unseen.
	newest topics.Version
}

// want is what the store has for one device_group.
type want struct {
	// exists says that there is such a device_group now, and that it has a config.
	exists bool
	// latest is its latest config, also when it was deleted; zero when it never had one.
	latest stamp
}

// A verdict is what to do about one config topic.
type verdict int

const (
	leave   verdict = iota // as wanted, or nothing is wanted and nothing there
	put                    // publish the latest config
	remove                 // publish an empty message
	behind                 // leave it: it is newer than the store
	foreign                // leave it: it belongs to another installation
)

// decide says what to do about a config topic. Epoch is the store's own.
//
// It is called with a want that was read after everything in seen had arrived. Since a manager makes a
// snapshot before it publishes it, a config that is newer than the want is none of this store's.
func decide(s seen, w want, epoch string) verdict {
	switch {
	case s.newest.Newer(w.latest.Version) && (w.exists || s.held == config):
		if w.latest.IsZero() && s.newest.Epoch != epoch {
			return foreign
		}
		return behind
	case s.held == config && s.now.Version == w.latest.Version && s.now != w.latest:
		return behind // of the same number but another content: the store has lived twice
	case w.exists && s.now != w.latest:
		return put
	case !w.exists && s.held == config:
		return remove
	case !w.exists && s.held == unreadable && w.latest.IsZero():
		return foreign
	case !w.exists && s.held == unreadable:
		return remove
	}
	return leave
}
