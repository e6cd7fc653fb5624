// Writes ../otlp_names.jsonl: names and units of OpenTelemetry and what the reference's own translation makes of them. The
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

	"github.com/prometheus/prometheus/storage/remote/otlptranslator/prometheus"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

type testCase struct {
	Name   string `json:"name"`
	Unit   string `json:"unit"`
	Kind   string `json:"kind"`
	Metric string `json:"metric"`
	Label  string `json:"label"`
}

var random = rand.New(rand.NewSource(1))

func pick(from []string) string { return from[random.Intn(len(from))] }

func main() {
	// ASCII only: the reference lets other letters through, which its own names of series do not have.
	words := []string{"http", "server", "duration", "total", "ratio", "seconds", "bytes", "per", "second", "2xx", "ns:x", "a"}
	marks := []string{".", "_", "-", "/", " ", "__", ":"}
	units := []string{"", "1", "s", "ms", "us", "ns", "min", "h", "d", "By", "KiBy", "MiBy", "GiBy", "TiBy", "KBy", "MBy", "GBy", "TBy", "B", "KB", "MB", "GB",
		"TB", "m", "V", "A", "J", "W", "g", "Cel", "Hz", "%", "{request}", "By/s", "1/s", "{packet}/s", "m/h", "By/{x}", "furlong", "By/mo", " s ", "k_b.c", "s/"}
	file, err := os.Create("../otlp_names.jsonl")
	if err != nil {
		panic(err)
	}
	out := bufio.NewWriter(file)
	for i := 0; i < 600; i++ {
		one := testCase{Unit: pick(units), Kind: pick([]string{"gauge", "counter", "other"})}
		for n := 1 + random.Intn(3); n > 0; n-- {
			if random.Intn(3) == 0 {
				one.Name += pick(marks)
			}
			one.Name += pick(words)
			if n > 1 {
				one.Name += pick(marks)
			}
		}
		metric := pmetric.NewMetric()
		metric.SetName(one.Name)
		metric.SetUnit(one.Unit)
		switch one.Kind {
		case "gauge":
			metric.SetEmptyGauge()
		case "counter":
			metric.SetEmptySum().SetIsMonotonic(true)
		default:
			metric.SetEmptyHistogram()
		}
		one.Metric = prometheus.BuildCompliantName(metric, "", true)
		one.Label = prometheus.NormalizeLabel(one.Name)
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
