package topics_test

import (
	"fmt"
	"time"

	"muster/topics"
)

func ExampleRoot_Topic() {
	fmt.Println(topics.DefaultRoot.Topic(topics.GroupConfig, "shops"))
	fmt.Println(topics.DefaultRoot.Filter(topics.DeviceCheckin))
	// Output:
	// muster/v1/groups/shops/config
	// muster/v1/devices/+/checkin
}

func ExampleRoot_Parse() {
	topic, err := topics.DefaultRoot.Parse("muster/v1/devices/till-1/status")
	fmt.Println(topic.Kind, topic.Name, err)
	_, err = topics.DefaultRoot.Parse("muster/v1/devices/till.1/status")
	fmt.Println(err)
	// Output:
	// devices/status till-1 <nil>
	// not a topic of this installation: "muster/v1/devices/till.1/status": invalid name: may only contain letters, digits, '_' and '-'
}

func ExampleMatch() {
	fmt.Println(topics.Match("muster/v1/groups/+/config", "muster/v1/groups/shops/config"))
	fmt.Println(topics.Match("muster/#", "muster"))
	fmt.Println(topics.Match("#", "$SYS/broker/uptime"))
	// Output:
	// true
	// true
	// false
}

func ExampleVersion_Newer() {
	have := topics.Version{Epoch: "01JD0000000000000000000000", ConfigID: 9}
	fmt.Println(topics.Version{Epoch: have.Epoch, ConfigID: 10}.Newer(have))
	fmt.Println(topics.Version{Epoch: have.Epoch, ConfigID: 8}.Newer(have))
	fmt.Println(topics.Version{Epoch: "01JE0000000000000000000000", ConfigID: 1}.Newer(have))
	// Output:
	// true
	// false
	// true
}

func ExampleParseConfig() {
	payload, err := topics.EncodeConfig(
		topics.Version{Epoch: "01JD0000000000000000000000", ConfigID: 1},
		time.Date(2026, 1, 31, 23, 59, 59, 0, time.UTC),
		topics.Content{
			DeviceGroup: "shops", DeviceGroupID: 1, PruneID: 1,
			Apps: []topics.App{topics.NewApp("till", "registry.example/till:7")}, AppsList: []string{"till"},
		})
	if err != nil {
		fmt.Println(err)
		return
	}
	config, err := topics.ParseConfig(payload)
	fmt.Println(config.DeviceGroup, config.Version, config.Apps[0].DockerImage, err)
	_, err = topics.ParseConfig(payload[:100])
	fmt.Println(err)
	// Output:
	// shops 01JD0000000000000000000000/1 registry.example/till:7 <nil>
	// payload: is not JSON: unexpected end of JSON input (at byte 100)
}

func ExampleCheckinRequest_Encode() {
	payload, err := topics.CheckinRequest{RequestID: "1", DeviceGroup: "shops"}.Encode()
	fmt.Println(string(payload), err)
	_, err = topics.CheckinRequest{RequestID: "2", DeviceGroup: "shops/berlin"}.Encode()
	fmt.Println(err)
	// Output:
	// {"request_id":"1","device_group":"shops"} <nil>
	// device_group: invalid name: may only contain letters, digits, '_' and '-'
}

func ExampleRoot_MayPublish() {
	root, till := topics.DefaultRoot, topics.Subject{Role: topics.RoleDevice, Name: "till-1", Group: "shops"}
	fmt.Println(root.MayPublish(till, root.Topic(topics.DeviceStatus, "till-1")))
	fmt.Println(root.MayPublish(till, root.Topic(topics.DeviceStatus, "till-2")))
	fmt.Println(root.MayPublish(till, root.Topic(topics.GroupConfig, "shops")))
	// Output:
	// true
	// false
	// false
}
