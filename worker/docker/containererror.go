package docker

import (
	"strings"

	"muster/topics"
)

// containerSymptoms are the failures of a container that is made or started, as [symptoms] are those of a
// pull. Engines answer most of them with a status that says nothing.
var containerSymptoms = []symptom{
	{topics.ReasonDiskFull, "the disk is full", []string{"no space left on device", "disk quota exceeded"}},
	{topics.ReasonImageMissing, "", []string{"no such image"}},
	{topics.ReasonNameTaken, "", []string{"the name is taken", "container name \""}},
	{topics.ReasonPortTaken, "a host port is taken by another program or container", []string{
		"port is already allocated", "address already in use", "ports are not available",
	}},
	{topics.ReasonDeviceMissing, "a path of devices is not a device here", []string{
		"error gathering device information", "not a device node", "stat /dev/",
	}},
	{topics.ReasonVolumeMissing, "a path of volumes does not exist here, or is a file in place of a directory or the other way round", []string{
		"bind source path does not exist", "error while creating mount source path", "error mounting", "statfs /", "mount config for type \"bind\": stat",
	}},
	{topics.ReasonCommandMissing, "the command is not in the image, or is no program", []string{
		"exec: \"", "executable file", "no command specified",
	}},
	{topics.ReasonNetworkMissing, "", []string{"network "}},
}

// otherwise are the codes of failures that have none of these symptoms, by what was done.
var otherwise = map[string]topics.Reason{
	"create":  topics.ReasonRefused,
	"start":   topics.ReasonStartFailed,
	"restart": topics.ReasonStartFailed,
}

// diagnoseContainer finds the kind of a failure in what the engine says. Without a code, what was done has
// nothing to do with a container's settings.
func diagnoseContainer(doing, said string) symptom {
	verb, _, _ := strings.Cut(doing, " ")
	code, known := otherwise[verb]
	if !known {
		return symptom{}
	}
	said = strings.ToLower(said)
	for _, s := range containerSymptoms {
		if !s.in(said) {
			continue
		}
		// The rest of what engines say of networks is about their drivers.
		if s.code == topics.ReasonNetworkMissing && !strings.Contains(said, "not found") {
			continue
		}
		return s
	}
	return symptom{code: code}
}
