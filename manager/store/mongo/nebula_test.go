package mongo

import (
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"muster/test/rig"
)

// bcryptHash is one of the password "secret", as Nebula's bcrypt library makes it.
const bcryptHash = "$2b$12$EixZaYVK1fsbw1ZfbX3OXePaWxn96p36WQoeG6Lruj3vjPGga31lW"

// A nebula is a database as Nebula's managers of all ages, its reporter, and its admins' own scripts have left it.
type nebula struct {
	*testing.T
	url string
	db  *mongo.Database
}

func newNebula(t *testing.T) *nebula {
	url := rig.MongoDB(t)
	n := &nebula{t, url, database(t, url)}
	for collection, field := range map[string]string{
		"nebula_apps": "app_name", "nebula_device_groups": "device_group", "nebula_users": "user_name", "nebula_user_groups": "user_group",
	} {
		_, err := n.db.Collection(collection).Indexes().CreateOne(t.Context(), mongo.IndexModel{
			Keys: bson.D{{Key: field, Value: int32(1)}}, Options: options.Index().SetName(field + "_index").SetUnique(true).SetSparse(true),
		})
		n.must(err)
	}
	n.put("nebula_apps",
		// A current one, as pymongo writes it, with what an admin's script has added.
		`{"_id": {"$oid": "5c0000000000000000000001"}, "app_id": {"$numberInt": "7"}, "app_name": "web", "starting_ports": [80, {"81": "8081"}, {"82": 82}],
		  "containers_per": {"server": {"$numberDouble": "2.0"}}, "env_vars": {"A": "1", "N": 5, "UNSET": null, "ON": true, "OFF": false, "WHOLE": {"$numberDouble": "2.0"}, "TINY": {"$numberDouble": "0.00002"}, "HUGE": {"$numberDouble": "1e16"}}, "docker_image": "nginx:1", "running": true,
		  "networks": ["nebula", "bridge"], "volumes": [], "devices": ["/dev/ttyUSB0"], "privileged": false, "rolling_restart": false,
		  "owner": {"team": "shops", "since": {"$date": "2019-01-02T03:04:05Z"}}, "cost": {"$numberDouble": "1.5"}}`,
		// One of a Nebula that knew neither rolling_restart nor devices, whose env_vars were reset.
		`{"_id": {"$oid": "5c0000000000000000000002"}, "app_id": {"$numberLong": "3"}, "app_name": "old.app", "starting_ports": ["8080", {"81": 81}, {"93": "443", "92": 80}],
		  "containers_per": {"cpu": {"$numberDouble": "0.5"}}, "env_vars": [], "docker_image": "old:1", "running": false,
		  "networks": ["nebula"], "volumes": null}`,
		// One with nothing but what there must be.
		`{"_id": {"$oid": "5c0000000000000000000005"}, "app_name": "bare", "docker_image": "bare:1"}`,
		// One that Nebula's CLI created without networks.
		`{"_id": {"$oid": "5c0000000000000000000006"}, "app_id": 1, "app_name": "cli", "docker_image": "cli:1", "networks": [""]}`,
		// One that cannot be read, one without a name, and one with a list for it.
		`{"_id": {"$oid": "5c0000000000000000000003"}, "app_id": 1, "app_name": "broken", "containers_per": "many", "docker_image": "b:1"}`,
		`{"_id": {"$oid": "5c0000000000000000000004"}, "note": "not an app"}`,
		`{"_id": {"$oid": "5c0000000000000000000007"}, "app_name": ["listed"], "docker_image": "l:1"}`)
	n.put("nebula_device_groups",
		`{"_id": {"$oid": "5c0000000000000000000011"}, "device_group_id": 4, "device_group": "shops", "apps": ["web", "old.app"], "cron_jobs": ["clean"], "prune_id": 2}`,
		`{"_id": {"$oid": "5c0000000000000000000012"}, "device_group_id": {"$numberDouble": "1.0"}, "device_group": "no-cron", "apps": [], "location": "east"}`)
	n.put("nebula_cron_jobs",
		`{"_id": {"$oid": "5c0000000000000000000021"}, "cron_job_id": 1, "cron_job_name": "clean", "schedule": "0 * * * *", "env_vars": {},
		  "docker_image": "clean:1", "running": true, "networks": ["nebula", "bridge"], "volumes": [], "devices": [], "privileged": false}`)
	n.put("nebula_users",
		`{"_id": {"$oid": "5c0000000000000000000031"}, "user_name": "text", "password": "`+bcryptHash+`", "token": "`+bcryptHash+`"}`)
	n.insert("nebula_users", bson.D{{Key: "_id", Value: objectID("5c0000000000000000000032")}, {Key: "user_name", Value: "bytes"},
		{Key: "password", Value: bson.Binary{Data: []byte(bcryptHash)}}, {Key: "token", Value: bson.Binary{Data: []byte(bcryptHash)}}})
	n.put("nebula_user_groups",
		`{"_id": {"$oid": "5c0000000000000000000041"}, "user_group": "shops", "group_members": ["text"], "pruning_allowed": true,
		  "apps": {"web": "rw"}, "device_groups": {"shops": "ro"}, "admin": false}`)
	at := time.Unix(1_700_000_010, 500_000_000)
	n.put("nebula_reports",
		`{"_id": {"$oid": "5c0000000000000000000051"}, "hostname": "a", "device_group": "shops", "report_creation_time": 1700000000, "updated": true, "cpu_usage": {"used_percent": 12.5}}`,
		`{"_id": {"$oid": "5c0000000000000000000053"}, "hostname": "b", "device_group": "shops", "report_creation_time": {"$numberDouble": "1700000020"}, "updated": false}`)
	n.insert("nebula_reports", bson.D{{Key: "_id", Value: objectID("5c0000000000000000000052")}, {Key: "hostname", Value: "a"},
		{Key: "device_group", Value: "shops"}, {Key: "report_creation_time", Value: at}, {Key: "updated", Value: false}, {Key: "report_insert_date", Value: at}})
	return n
}

func objectID(hex string) bson.ObjectID {
	id, err := bson.ObjectIDFromHex(hex)
	if err != nil {
		panic(err) // they are constants
	}
	return id
}

func (n *nebula) must(err error) {
	n.Helper()
	if err != nil {
		n.Fatal(err)
	}
}

// put inserts documents in extended JSON.
func (n *nebula) put(collection string, docs ...string) {
	n.Helper()
	for _, doc := range docs {
		var fields bson.D
		n.must(bson.UnmarshalExtJSON([]byte(doc), false, &fields))
		n.insert(collection, fields)
	}
}

func (n *nebula) insert(collection string, doc bson.D) {
	n.Helper()
	_, err := n.db.Collection(collection).InsertOne(n.Context(), doc)
	n.must(err)
}

// all reads every document of every collection of Nebula's, as it is, by _id.
func (n *nebula) all() map[string]bson.Raw {
	n.Helper()
	docs := map[string]bson.Raw{}
	for _, collection := range []string{"nebula_apps", "nebula_device_groups", "nebula_cron_jobs", "nebula_users", "nebula_user_groups", "nebula_reports"} {
		cursor, err := n.db.Collection(collection).Find(n.Context(), bson.D{})
		n.must(err)
		n.must(use(n.Context(), cursor, func(raw bson.Raw) error {
			docs[collection+" "+raw.Lookup("_id").String()] = append(bson.Raw{}, raw...)
			return nil
		}))
	}
	return docs
}

// open takes the database over.
func (n *nebula) open() *Store {
	n.Helper()
	s, err := Open(n.Context(), Options{URL: n.url, Log: discard})
	n.must(err)
	n.Cleanup(func() {
		if err := s.Close(); err != nil {
			n.Error(err)
		}
	})
	return s
}
