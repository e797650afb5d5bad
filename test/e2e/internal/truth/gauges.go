package truth

import (
	"time"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/shop"
)

// GPUMemory is the memory in MB that the newest inference of each model and device, joined by "/", has reported.
func GPUMemory(sent []shop.Sent) (allocated, reserved map[string]float64) {
	allocated, reserved = map[string]float64{}, map[string]float64{}
	newest := map[string]time.Time{}
	for _, s := range sent {
		for _, span := range s.Spans {
			key := s.Model + "/" + s.Inference.DeviceID
			end := span.Start.Add(span.Duration)
			if span.Name == "ml.inference" && !end.Before(newest[key]) {
				newest[key] = end
				allocated[key], reserved[key] = s.Inference.AllocatedMB, s.Inference.ReservedMB
			}
		}
	}
	return allocated, reserved
}
