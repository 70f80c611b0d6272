package topics

import (
	"encoding/json"
	"strings"
)

// An App is a container, or several of the same, that devices keep running. The fields and their
// meaning are Nebula's; a change is anything that raises AppID.
type App struct {
	// AppID is 1 at creation and one more after every change, restart, start and stop.
	AppID   int64  `json:"app_id"`
	AppName string `json:"app_name"`
	// DockerImage is an image reference as "docker pull" takes it.
	DockerImage   string        `json:"docker_image"`
	StartingPorts Ports         `json:"starting_ports"`
	ContainersPer ContainersPer `json:"containers_per"`
	EnvVars       EnvVars       `json:"env_vars"`
	// Running is false for an app whose containers are to be removed from the devices.
	Running bool `json:"running"`
	// Networks to join. ["host"] and ["none"] stand alone; in every other case the container also joins
	// the user-defined bridge network [DefaultNetwork].
	Networks []string `json:"networks"`
	// Volumes in the form host:container[:ro|rw].
	Volumes []string `json:"volumes"`
	// Devices in the form host[:container[:rwm]]; in the container they have the same path when none is given.
	Devices        []string `json:"devices"`
	Privileged     bool     `json:"privileged"`
	RollingRestart bool     `json:"rolling_restart"`

	ContainerOptions
	AppOptions
}

// DefaultNetwork is the bridge network that workers create when it is missing and that containers join
// to find each other by name.
const DefaultNetwork = "nebula"

// NewApp is an app with every optional field at its default.
func NewApp(name, image string) App {
	return App{
		AppID: 1, AppName: name, DockerImage: image,
		StartingPorts: Ports{},
		ContainersPer: ContainersPer{Unit: PerServer, Count: 1},
		EnvVars:       EnvVars{},
		Running:       true,
		Networks:      []string{DefaultNetwork, "bridge"},
		Volumes:       []string{},
		Devices:       []string{},
	}
}

// MarshalJSON writes lists that are nil as empty ones: "null" is not a list to those who read it.
func (a App) MarshalJSON() ([]byte, error) {
	type plain App // without this method
	a.StartingPorts = orEmpty(a.StartingPorts)
	a.Networks = orEmpty(a.Networks)
	a.Volumes = orEmpty(a.Volumes)
	a.Devices = orEmpty(a.Devices)
	return json.Marshal(plain(a))
}

// Check reports the first field of a that is wrong as a [FieldError], nil when all are right. Whether
// DockerImage parses as a reference is left to those who can resolve it.
func (a App) Check() error {
	if err := CheckAppName(a.AppName); err != nil {
		return fieldError("app_name", err)
	}
	if a.AppID < 1 {
		return fieldErrorf("app_id", "must be 1 or more, is %d", a.AppID)
	}
	if err := checkContainer(a.DockerImage, a.EnvVars, a.Networks, a.Volumes, a.Devices); err != nil {
		return err
	}
	for _, p := range a.StartingPorts {
		if p.Host < 1 || p.Host > 65535 || p.Container < 1 || p.Container > 65535 {
			return fieldError("starting_ports", ErrPort)
		}
	}
	if err := a.ContainersPer.check(); err != nil {
		return err
	}
	if err := a.ContainerOptions.check(); err != nil {
		return err
	}
	if err := checkMounts(a.Volumes, a.Tmpfs); err != nil {
		return err
	}
	return a.AppOptions.check(a.AppName)
}

// checkContainer checks what apps and cron_jobs have in common.
func checkContainer(image string, env EnvVars, networks, volumes, devices []string) error {
	if strings.TrimSpace(image) == "" {
		return fieldErrorf("docker_image", "must not be empty")
	}
	if err := env.check(); err != nil {
		return err
	}
	if err := checkNetworks(networks); err != nil {
		return err
	}
	for _, v := range volumes {
		if err := checkVolume(v); err != nil {
			return err
		}
	}
	for _, d := range devices {
		if err := checkDevice(d); err != nil {
			return err
		}
	}
	return nil
}

func checkNetworks(networks []string) error {
	for _, n := range networks {
		if n == "" {
			return fieldErrorf("networks", "a name must not be empty")
		}
		if (n == "host" || n == "none") && len(networks) > 1 {
			return fieldErrorf("networks", "%q must stand alone", n)
		}
	}
	return nil
}

func checkVolume(v string) error {
	parts := strings.Split(v, ":")
	ok := len(parts) == 2 || len(parts) == 3 && (parts[2] == "ro" || parts[2] == "rw")
	if !ok || parts[0] == "" || !strings.HasPrefix(parts[1], "/") {
		return fieldErrorf("volumes", "must be host:container[:ro|rw] with an absolute container path, is %.200q", v)
	}
	return nil
}

// checkMounts reports a directory of the container that is both a volume and in memory. All of them have been checked.
func checkMounts(volumes, tmpfs []string) error {
	for _, line := range tmpfs {
		inMemory, _, _ := strings.Cut(line, ":")
		for _, v := range volumes {
			if strings.Split(v, ":")[1] == inMemory {
				return fieldErrorf("tmpfs", "%.200q is in volumes as well", inMemory)
			}
		}
	}
	return nil
}

func checkDevice(d string) error {
	parts := strings.Split(d, ":")
	ok := len(parts) <= 2 || len(parts) == 3 && parts[2] != "" && strings.Trim(parts[2], "rwm") == ""
	for _, path := range parts[:min(2, len(parts))] {
		ok = ok && strings.HasPrefix(path, "/")
	}
	if !ok {
		return fieldErrorf("devices", "must be host[:container[:rwm]] with absolute paths, is %.200q", d)
	}
	return nil
}
