package chain

import "github.com/open-telemetry/opentelemetry-collector-contrib/processor/tailsamplingprocessor"

// alwaysSample has every trace decoded and passed to the components after the sampler.
func alwaysSample() (p tailsamplingprocessor.PolicyCfg) {
	p.Name, p.Type = "all", tailsamplingprocessor.AlwaysSample
	return p
}
