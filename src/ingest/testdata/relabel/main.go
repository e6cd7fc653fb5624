// Writes ../relabel_cases.jsonl: random rules, random labels, and what the reference's own relabelling makes of them. The
// test beside the rules expects the same.
//
//	go run .
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"
	"gopkg.in/yaml.v2"
)

type testCase struct {
	Rules  string            `json:"rules"`
	Valid  bool              `json:"valid"`
	Labels map[string]string `json:"labels"`
	Kept   bool              `json:"kept"`
	Result map[string]string `json:"result"`
}

var (
	random       = rand.New(rand.NewSource(1))
	actions      = []string{"replace", "keep", "drop", "keepequal", "dropequal", "hashmod", "labelmap", "labeldrop", "labelkeep", "lowercase", "uppercase", "Replace", "sink"}
	names        = []string{"__name__", "a", "b", "job", "instance", "__meta_x", "absent"}
	values       = []string{"up", "foo", "Bar", "10.0.0.1:9100", "", "a;b", "äÖß", "x\ny", "$1"}
	regexes      = []string{"(.*)", ".*", "", "f.*", "(f)(o+)", "(?P<n>[a-z]+):?([0-9]*)", "(.*);(.*)", "a|b|job", "__meta_(.+)", "[^;]+", "(", "(?i)BAR", "(.+):(\\d+)", "(up)?(x)?"}
	replacements = []string{"$1", "${1}", "x", "", "$2-$1", "${n}_$2", "$$1", "$1x", "${1}x", "$", "new_$1", "$0", "$9", "${", "a b", "$01"}
	targets      = []string{"a", "job", "new", "${1}", "x_${1}", "$1", "a b", "", "9", "${n}", "x$1y"}
	separators   = []string{";", "", "-", ", "}
)

func pick(from []string) string { return from[random.Intn(len(from))] }
func chance(percent int) bool   { return random.Intn(100) < percent }

func rule() string {
	action := pick(actions)
	fields := []string{}
	add := func(name string, value any) {
		text, _ := json.Marshal(value)
		fields = append(fields, fmt.Sprintf("%s: %s", name, text))
	}
	if chance(90) {
		add("action", action)
	} else {
		action = "replace"
	}
	byName := strings.HasPrefix(action, "label")
	equal := strings.HasSuffix(action, "equal")
	if chance(85) != byName || chance(3) {
		sources := []string{}
		for i := random.Intn(3); i >= 0; i-- {
			sources = append(sources, pick(names))
		}
		add("source_labels", sources)
	}
	if chance(30) && !(byName || equal) {
		add("separator", pick(separators))
	}
	if chance(95) != (byName || action == "keep" || action == "drop") {
		add("target_label", pick(targets))
	}
	if chance(70) && (!equal || chance(5)) {
		add("regex", pick(regexes))
	}
	if chance(60) && (action == "replace" || action == "labelmap" || chance(5)) {
		add("replacement", pick(replacements))
	}
	if action == "hashmod" && chance(95) {
		add("modulus", random.Intn(9))
	}
	return "- {" + strings.Join(fields, ", ") + "}\n"
}

func main() {
	file, err := os.Create("../relabel_cases.jsonl")
	if err != nil {
		panic(err)
	}
	out := bufio.NewWriter(file)
	for i := 0; i < 1200; i++ {
		one := testCase{Labels: map[string]string{}}
		for n := 1 + random.Intn(2); n > 0; n-- {
			one.Rules += rule()
		}
		for _, name := range names[:len(names)-1] {
			if value := pick(values); value != "" && chance(80) {
				one.Labels[name] = value
			}
		}
		var configs []*relabel.Config
		one.Valid = yaml.UnmarshalStrict([]byte(one.Rules), &configs) == nil
		if !one.Valid && chance(80) {
			i--
			continue
		}
		if one.Valid {
			result, kept := relabel.Process(labels.FromMap(one.Labels), configs...)
			one.Kept = kept
			one.Result = result.Map()
		}
		line, err := json.Marshal(one)
		if err != nil {
			panic(err)
		}
		fmt.Fprintln(out, string(line))
	}
	if err := out.Flush(); err != nil {
		panic(err)
	}
}
