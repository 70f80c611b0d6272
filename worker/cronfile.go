package worker

import "muster/topics"

// cronFile is the file in the state directory that holds what was done for each cron_job. It costs a pull and
// the results of the last runs when it is lost.
const cronFile = "cron.json"

// A cronRecord is what outlives the worker of one cron_job.
type cronRecord struct {
	// Pulled is the version that the image was fetched for.
	Pulled pulled `json:"pulled"`
	// Container is the one of the last run that is over, and Last how it went; nil when there was none.
	Container string          `json:"container,omitempty"`
	Last      *topics.CronRun `json:"last,omitempty"`
}

// loadCron reads the records, by the cron_jobs' names. Without the file, or with one that cannot be read, there
// are none: err is for the log.
func loadCron(dir string) (map[string]cronRecord, error) {
	records := map[string]cronRecord{}
	if err := readRecord(dir, cronFile, &records); err != nil {
		return map[string]cronRecord{}, err
	}
	if records == nil { // the file says null
		records = map[string]cronRecord{}
	}
	return records, nil
}

func saveCron(dir string, records map[string]cronRecord) error {
	return writeRecord(dir, cronFile, records)
}
