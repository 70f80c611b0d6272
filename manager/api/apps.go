package api

import (
	"encoding/json"
	"net/http"

	"muster/topics"
)

// apps answers the calls about apps.
type apps struct{ workloads[topics.App] }

func (a *api) apps() apps {
	return apps{workloads[topics.App]{
		documents: documents[topics.App]{a, appKind, a.store.Apps()},
		fresh:     func(name string) topics.App { return topics.NewApp(name, "") },
		container: func(app *topics.App) container {
			return container{
				name: &app.AppName, image: &app.DockerImage, id: &app.AppID, env: &app.EnvVars,
				running: &app.Running, privileged: &app.Privileged,
				networks: &app.Networks, volumes: &app.Volumes, devices: &app.Devices,
				options: &app.ContainerOptions,
			}
		},
		own: func(app *topics.App) []field {
			return append(appOptionFields(&app.AppOptions), []field{
				{"starting_ports", func(v value) error { return json.Unmarshal(v.raw, &app.StartingPorts) }},
				{"containers_per", func(v value) error { return json.Unmarshal(v.raw, &app.ContainersPer) }},
				{"rolling_restart", func(v value) error { return v.bool(&app.RollingRestart) }},
			}...)
		},
		required: []string{"docker_image"},
		ignored:  []string{"app_id", "app_name", "_id"},
		check: func(app topics.App) error {
			if err := app.Check(); err != nil {
				return err
			}
			return checkPorts(app)
		},
		fits: a.appFits,
	}}
}

func (a apps) restart(r *http.Request) (int, any, error) {
	return a.change(r, "restart", func(app *topics.App) error {
		if !app.Running {
			return errNotRunning
		}
		return nil
	})
}

func (a apps) start(r *http.Request) (int, any, error) { return a.setRunning(r, "start", true) }

func (a apps) stop(r *http.Request) (int, any, error) { return a.setRunning(r, "stop", false) }

func (a apps) setRunning(r *http.Request, action string, running bool) (int, any, error) {
	return a.change(r, action, func(app *topics.App) error {
		app.Running = running
		return nil
	})
}
