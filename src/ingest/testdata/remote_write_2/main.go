// Writes ../remote_write_2.snappy: a body of remote write 2.0 made by the reference's own types, symbol table and
// compression. The test beside the decoder knows what is in it.
//
//	go run .
package main

import (
	"math"
	"os"

	"github.com/golang/snappy"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	writev2 "github.com/prometheus/prometheus/prompb/io/prometheus/write/v2"
)

func main() {
	symbols := writev2.NewSymbolTable()
	refs := func(pairs ...string) []uint32 { return symbols.SymbolizeLabels(labels.FromStrings(pairs...), nil) }
	request := writev2.Request{Timeseries: []writev2.TimeSeries{
		{
			LabelsRefs:       refs("__name__", "requests_total", "job", "a", "instance", "höst:1"),
			Samples:          []writev2.Sample{{Value: 1.5, Timestamp: 1700000000000}, {Value: math.Float64frombits(value.StaleNaN), Timestamp: 1700000015000}},
			Metadata:         writev2.Metadata{Type: writev2.Metadata_METRIC_TYPE_COUNTER, HelpRef: symbols.Symbolize("How many."), UnitRef: symbols.Symbolize("requests")},
			Exemplars:        []writev2.Exemplar{{LabelsRefs: refs("trace_id", "abc"), Value: 1, Timestamp: 1700000000000}},
			CreatedTimestamp: 1690000000000,
		},
		{
			LabelsRefs: refs("__name__", "requests_total", "job", "b", "instance", "höst:1"),
			Samples:    []writev2.Sample{{Value: -2.5, Timestamp: -5}},
			Metadata:   writev2.Metadata{Type: writev2.Metadata_METRIC_TYPE_COUNTER, HelpRef: symbols.Symbolize("How many."), UnitRef: symbols.Symbolize("requests")},
		},
		{
			LabelsRefs: refs("__name__", "latency", "job", "b"),
			Histograms: []writev2.Histogram{{
				Count: &writev2.Histogram_CountInt{CountInt: 3}, Sum: 4.5, Schema: 2, Timestamp: 1700000000000,
				PositiveSpans: []writev2.BucketSpan{{Offset: 0, Length: 2}}, PositiveDeltas: []int64{1, 1},
			}},
			Metadata: writev2.Metadata{Type: writev2.Metadata_METRIC_TYPE_HISTOGRAM},
		},
	}}
	request.Symbols = symbols.Symbols()
	message, err := request.Marshal()
	if err != nil {
		panic(err)
	}
	if err := os.WriteFile("../remote_write_2.snappy", snappy.Encode(nil, message), 0o644); err != nil {
		panic(err)
	}
}
