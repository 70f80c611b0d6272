package audit

import (
	"maps"
	"reflect"
	"slices"
)

// differences are the paths of the fields that are not the same before and after, in byte order. A dict is
// compared by its keys ("env_vars.PATH"), a list as a whole.
func differences(before, after map[string]any) []string {
	was, is := leaves(before), leaves(after)
	differ := map[string]bool{}
	for path, value := range was {
		if other, ok := is[path]; !ok || !reflect.DeepEqual(value, other) {
			differ[path] = true
		}
	}
	for path := range is {
		if _, ok := was[path]; !ok {
			differ[path] = true
		}
	}
	return append([]string{}, slices.Sorted(maps.Keys(differ))...)
}

// leaves are the values of a document by their paths, one level into dicts. What is empty is no value:
// env_vars is written as [] and as {}, and neither says anything.
func leaves(fields map[string]any) map[string]any {
	values := map[string]any{}
	for name, value := range fields {
		switch v := value.(type) {
		case nil:
		case map[string]any:
			for key, item := range v {
				values[name+"."+key] = item
			}
		case []any:
			if len(v) > 0 {
				values[name] = v
			}
		default:
			values[name] = v
		}
	}
	return values
}
