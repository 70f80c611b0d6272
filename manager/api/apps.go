package api

import (
	"errors"
	"net/http"

	"muster/manager/store"
	"muster/topics"
)

func (a *api) listApps(r *http.Request) (int, any, error) {
	names, err := a.store.Apps().Names(r.Context())
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, map[string][]string{"apps": append([]string{}, names...)}, nil
}

func (a *api) getApp(r *http.Request) (int, any, error) {
	app, err := a.existingApp(r)
	return http.StatusOK, app, err
}

// existingApp is the app that the path names.
func (a *api) existingApp(r *http.Request) (topics.App, error) {
	name := pathName(r, "app")
	app, err := a.store.Apps().Get(r.Context(), name)
	return app, appKind.about(name, err)
}

func (a *api) createApp(r *http.Request) (int, any, error) {
	name := pathName(r, "app")
	if err := appKind.invalid(name); err != nil {
		return 0, nil, err
	}
	// Whether it exists comes before what is wrong with the body, as with Nebula.
	if _, err := a.store.Apps().Get(r.Context(), name); err == nil {
		return 0, nil, appKind.about(name, store.ErrExists)
	} else if !errors.Is(err, store.ErrNotFound) {
		return 0, nil, appKind.about(name, err)
	}
	patch, err := readAppPatch(r)
	if err != nil {
		return 0, nil, err
	}
	if !patch.hasImage() {
		return 0, nil, errNoDockerImage
	}
	app := topics.NewApp(name, "")
	if err := patch.apply(&app); err != nil {
		return 0, nil, err
	}

	done, err := a.beginChange(r.Context())
	if err != nil {
		return 0, nil, err
	}
	defer done()
	// Groups keep the name of an app that was deleted, so a new app may have groups already.
	if err := a.appFits(r.Context(), app); err != nil {
		return 0, nil, err
	}
	if err := a.store.Apps().Create(r.Context(), app); err != nil {
		return 0, nil, appKind.about(name, err)
	}
	return http.StatusOK, app, a.changed(r, change{"create", appKind, name, nil, app})
}

func (a *api) deleteApp(r *http.Request) (int, any, error) {
	app, err := a.existingApp(r)
	if err != nil {
		return 0, nil, err
	}
	if err := a.store.Apps().Delete(r.Context(), app.AppName); err != nil {
		return 0, nil, appKind.about(app.AppName, err)
	}
	return http.StatusOK, struct{}{}, a.changed(r, change{"delete", appKind, app.AppName, app, nil})
}

// replaceApp is the update by POST: what the body leaves out goes back to its default.
func (a *api) replaceApp(r *http.Request) (int, any, error) {
	if _, err := a.existingApp(r); err != nil {
		return 0, nil, err
	}
	patch, err := readAppPatch(r)
	if err != nil {
		return 0, nil, err
	}
	if !patch.hasImage() {
		return 0, nil, errNoDockerImage
	}
	return a.changeApp(r, "update", func(app *topics.App) error {
		id := app.AppID
		*app = topics.NewApp(app.AppName, "")
		app.AppID = id
		app.EnvVars = nil // written as [], not {}: clients test for it
		return patch.apply(app)
	})
}

// updateApp is the update by PUT or PATCH: what the body leaves out stays as it is.
func (a *api) updateApp(r *http.Request) (int, any, error) {
	if _, err := a.existingApp(r); err != nil {
		return 0, nil, err
	}
	patch, err := readAppPatch(r)
	if err != nil {
		return 0, nil, err
	}
	if patch.isEmpty() {
		return 0, nil, errNothingGiven
	}
	return a.changeApp(r, "update", patch.apply)
}

func (a *api) restartApp(r *http.Request) (int, any, error) {
	return a.changeApp(r, "restart", func(app *topics.App) error {
		if !app.Running {
			return errNotRunning
		}
		return nil
	})
}

func (a *api) startApp(r *http.Request) (int, any, error) { return a.setRunning(r, "start", true) }

func (a *api) stopApp(r *http.Request) (int, any, error) { return a.setRunning(r, "stop", false) }

func (a *api) setRunning(r *http.Request, action string, running bool) (int, any, error) {
	return a.changeApp(r, action, func(app *topics.App) error {
		app.Running = running
		return nil
	})
}

// changeApp applies alter, which may be called more than once, to the app that the path names and
// raises its app_id.
func (a *api) changeApp(r *http.Request, action string, alter func(*topics.App) error) (int, any, error) {
	var before topics.App
	raise := func(app *topics.App) error {
		before = *app
		app.AppID++
		return alter(app)
	}
	done, err := a.beginChange(r.Context())
	if err != nil {
		return 0, nil, err
	}
	defer done()
	app, err := a.existingApp(r)
	if err != nil {
		return 0, nil, err
	}
	if err := raise(&app); err != nil {
		return 0, nil, err
	}
	if err := a.appFits(r.Context(), app); err != nil {
		return 0, nil, err
	}
	if app, err = a.store.Apps().Modify(r.Context(), app.AppName, raise); err != nil {
		return 0, nil, appKind.about(pathName(r, "app"), err)
	}
	return http.StatusAccepted, app, a.changed(r, change{action, appKind, app.AppName, before, app})
}
